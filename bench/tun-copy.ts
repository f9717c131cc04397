/**
 * Two TUN devices, each packet of one written to the other as it is: what a cable made of TUN devices costs. Says as a
 * JSON line that they are there, and runs until it is killed.
 */
import { ALL_OFFLOADS, NO_OFFLOADS } from '../src/tun/offloads.ts';
import { TunDevice, openTun } from '../src/tun/tun-device.ts';

export interface CopyRequest {
  readonly devices: readonly [string, string];
  /** Whether packets may come in super-packets of up to 64 KiB. */
  readonly superPackets: boolean;
}

const HEADROOM = 16;
const SLOTS = 32;
/** A super-packet, the headroom and the spare byte that tells of a longer one. */
const STRIDE = { packets: 2048, superPackets: 68 * 1024 } as const;

const { devices, superPackets } = JSON.parse(process.argv[2] ?? '') as CopyRequest;
const stride = superPackets ? STRIDE.superPackets : STRIDE.packets;
// One memory for both: a packet is written from where it landed.
const memory = new Uint8Array(devices.length * SLOTS * stride);
const [left, right] = [open(devices[0], 0), open(devices[1], SLOTS * stride)];
copy(left, right);
copy(right, left);
console.log(JSON.stringify({ ready: true }));

function open(name: string, at: number): TunDevice {
  const handle = openTun(name, superPackets ? ALL_OFFLOADS : NO_OFFLOADS);
  return new TunDevice(handle, { memory, at, slots: SLOTS, stride, headroom: HEADROOM });
}

function copy(from: TunDevice, to: TunDevice): void {
  from.start({
    receive: (at, length) => to.write(at, length),
    drained: () => {},
    onError: error => {
      throw error;
    },
  });
}
