// A TUN device with its interface in a namespace.

import { TunDevice, closeTun, openTun } from '../../src/tun/tun-device.ts';
import { ALL_OFFLOADS, NO_OFFLOADS, type Offloads } from '../../src/tun/offloads.ts';
import type { LandingArea } from '../../src/tun/packet-device.ts';
import type { Namespace } from './namespace.ts';
import { landingArea } from './recorder.ts';

export const SLOTS = 16;
/** Slots for super-packets of the greatest length. */
export const SUPER_STRIDE = 66 * 1024;

export const OFFLOAD_LEVELS = [
  ['all offloads', ALL_OFFLOADS],
  ['no UDP super-packets', { checksum: true, tcp: true, udp: false }],
  ['checksums only', { checksum: true, tcp: false, udp: false }],
  ['no offloads', NO_OFFLOADS],
] as const satisfies readonly (readonly [string, Offloads])[];

let devices = 0;

interface Rig extends AsyncDisposable {
  readonly device: TunDevice;
  readonly landing: LandingArea;
}

/** A device whose interface is up in the namespace. */
export function attach(
  host: Namespace,
  wanted: Offloads,
  address: string,
  mtu: number,
  { name = uniqueName(), landing = landingArea(SLOTS, SUPER_STRIDE) } = {},
): Rig {
  const handle = openTun(name, wanted);
  const device = new TunDevice(handle, landing);
  host.adopt(name);
  host.ip('link', 'set', 'dev', name, 'addrgenmode', 'none');
  host.ip('address', 'add', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : []));
  host.ip('link', 'set', 'dev', name, 'mtu', String(mtu), 'up');
  return {
    device,
    landing,
    [Symbol.asyncDispose]: async () => {
      device.close();
      closeTun(handle);
      await host.run('ip', 'link', 'delete', name);
    },
  };
}

export function uniqueName(): string {
  devices += 1;
  return `o${process.pid}x${devices}`;
}
