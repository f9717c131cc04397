// Linux's own GRO: a namespace forwards packets from one TUN device, behind which the kernel joins them, to another, which takes
// super-packets whole.
import { ALL_OFFLOADS, NO_OFFLOADS } from '../../src/tun/offloads.ts';
import { closeTun, openTun, TunDevice, type TunHandle } from '../../src/tun/tun-device.ts';
import { GsoType } from '../../src/wire/virtio.ts';
import { Namespace } from '../tun/namespace.ts';
import { openNapiTun } from '../tun/napi-tun.ts';
import { landingArea, Recorder, send } from '../tun/recorder.ts';
import { encodeVirtioHeader, type VirtioHeader } from '../tun/virtio.ts';
import { ipHeaderLength, transportProtocol } from './flow-packets.ts';
import type { SuperPacket } from './gathering.ts';

/** For so long the kernel waits for more packets at most. */
const HOLD_NS = 3_000_000;
const SLOTS = 64;
const STRIDE = 66 * 1024;
const QUEUE = '4000';
const LIMIT_MS = 5000;

export class KernelGro {
  readonly #router = new Namespace('gro');
  readonly #handles: readonly TunHandle[];
  readonly #into: TunDevice;
  readonly #out: TunDevice;
  readonly #inbox = landingArea(2);
  readonly #recorder: Recorder;

  constructor() {
    const names = ['i', 'o'].map(side => `gro${process.pid}${side}`) as [string, string];
    const landing = landingArea(SLOTS, STRIDE);
    this.#handles = [openNapiTun(names[0], NO_OFFLOADS), openTun(names[1], ALL_OFFLOADS)];
    this.#into = new TunDevice(this.#handles[0]!, this.#inbox);
    this.#out = new TunDevice(this.#handles[1]!, landing);
    this.#recorder = new Recorder(landing);
    for (const name of names) {
      this.#router.adopt(name);
      this.#router.ip('link', 'set', 'dev', name, 'addrgenmode', 'none', 'txqueuelen', QUEUE, 'up');
    }
    const settings = [
      'echo 1 > /proc/sys/net/ipv4/ip_forward',
      'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding',
      `echo ${HOLD_NS} > /sys/class/net/${names[0]}/gro_flush_timeout`,
      `ethtool -K ${names[0]} rx-udp-gro-forwarding on`,
    ];
    this.#router.runBlocking('sh', '-ec', settings.join('\n'));
    // What flow-packets.ts makes: sources in the first two, destinations in the others.
    for (const network of ['10.66.0.0/16', '2001:db8:1::/48'])
      this.#router.ip('route', 'add', network, 'dev', names[0]);
    for (const network of ['192.0.2.0/24', '2001:db8:2::/48'])
      this.#router.ip('route', 'add', network, 'dev', names[1]);
    this.#into.start(new Recorder(this.#inbox));
    this.#out.start(this.#recorder);
  }

  /**
   * What the kernel makes of packets that come one behind the other. All must be such as a router forwards, and they leave with a hop
   * less to live. When the kernel's clock ticks meanwhile, 100 to 1000 times a second, it joins less than it might.
   */
  async join(packets: readonly Uint8Array[]): Promise<SuperPacket[]> {
    const { packets: received, headers } = this.#recorder;
    received.length = 0;
    headers.length = 0;
    for (const packet of packets) if (!send(this.#into, this.#inbox, packet)) throw new Error('not taken');
    const supers = (): SuperPacket[] =>
      received.flatMap((bytes, index) => (isOurs(bytes) ? [superPacket(bytes, headers[index]!)] : []));
    const count = (): number => supers().reduce((sum, { packets }) => sum + packets, 0);
    const timer = setTimeout(() => this.#recorder.onError(new Error('late')), LIMIT_MS);
    await this.#recorder.until(() => count() >= packets.length || this.#recorder.errors.length > 0);
    clearTimeout(timer);
    if (this.#recorder.errors.length > 0) throw new Error(`${count()} of ${packets.length} packets came`);
    return supers();
  }

  close(): void {
    for (const device of [this.#into, this.#out]) device.close();
    for (const handle of this.#handles) closeTun(handle);
    this.#router.delete();
  }
}

/** The kernel has things to say by itself, to multicast addresses. */
function isOurs(packet: Uint8Array): boolean {
  return packet[packet[0]! >> 4 === 4 ? 16 : 24]! < 0xe0;
}

/** With the header that says the least: hdr_len is the length of the headers, a plain packet's is all zero. */
function superPacket(bytes: Uint8Array, header: VirtioHeader): SuperPacket {
  if (header.gsoType === GsoType.None) return { virtio: Array.from({ length: 10 }, () => 0), bytes, packets: 1 };
  const at = ipHeaderLength(bytes);
  const headerLength = at + (transportProtocol(bytes) === 6 ? (bytes[at + 12]! >> 4) * 4 : 8);
  return {
    virtio: [...encodeVirtioHeader({ ...header, headerLength })],
    bytes,
    packets: Math.ceil((bytes.length - headerLength) / header.gsoSize),
  };
}
