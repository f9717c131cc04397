/**
 * node sender.js DEVICE NETWORK: the network behind a gateway, as one TUN device in the gateway's network namespace.
 *
 * Downloads are ready-made packets, one write each: the kernel forwards them to the gateway's device within that write,
 * so the forwarding costs the sender, not the gateway. Uploads end in the device's queue, which has no room: the kernel
 * counts and drops each packet that is forwarded here, super-packets cut first.
 */
import { readFile } from 'node:fs/promises';
import { addressOf, write } from '../../src/ffi/libc.ts';
import { runIp } from '../../src/tun/ip-command.ts';
import { openTun } from '../../src/tun/tun-device.ts';
import { parseIpv4 } from '../../src/wire/ip.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { Datagram } from './datagram.ts';
import { pace } from './pacer.ts';
import type { SendReport, SendRequest, SenderCommands } from './protocol.ts';
import { serveCommands } from './serve-commands.ts';
import { startStopwatch } from './stopwatch.ts';

const LONGEST_PACKET = 1500;

const [device = '', network = ''] = process.argv.slice(2);
/** Somebody in the network, so that reverse-path filters have no objection. */
const source = parseIpv4(network.split('/', 1)[0]!)! + 1;
const { fd } = openTun(device);
// Without a link-local address the kernel has nothing of its own to send here, which would count as arrived.
await runIp(
  'link',
  'set',
  'dev',
  device,
  'addrgenmode',
  'none',
  'mtu',
  String(LONGEST_PACKET),
  'txqueuelen',
  '0',
  'up',
);
await runIp('route', 'add', network, 'dev', device);

/** A virtio header of zeros, which stands for a plain packet, and the packet. */
const memory = new Uint8Array(VIRTIO_HEADER_LENGTH + LONGEST_PACKET);
const memoryAddress = addressOf(memory);
let arrivedBefore = 0;

serveCommands<SenderCommands>({ send, arrived });

async function send(request: SendRequest): Promise<SendReport> {
  const { destinations, packetLength } = request;
  const datagram = new Datagram(new DataView(memory.buffer), VIRTIO_HEADER_LENGTH, packetLength);
  const sequences = new Uint32Array(destinations.length);
  const stopwatch = startStopwatch();
  let next = 0;
  let sent = 0;
  let refused = 0;
  await pace(request, packets => {
    for (let count = 0; count < packets; count++) {
      datagram.stamp(source, destinations[next]!, sequences[next]!);
      if (write(fd, memoryAddress, VIRTIO_HEADER_LENGTH + packetLength) > 0) {
        sequences[next]! += 1;
        sent++;
      } else refused++;
      next = next + 1 === destinations.length ? 0 : next + 1;
    }
  });
  return { sent, refused, ...stopwatch() };
}

async function arrived(): Promise<{ packets: number }> {
  const [taken, dropped] = await Promise.all(['tx_packets', 'tx_dropped'].map(statistic));
  const total = taken! + dropped!;
  const packets = total - arrivedBefore;
  arrivedBefore = total;
  return { packets };
}

async function statistic(name: string): Promise<number> {
  return Number(await readFile(`/sys/class/net/${device}/statistics/${name}`, 'latin1'));
}
