// A TUN device behind which the kernel does GRO: what is written to it packet by packet reaches the kernel's stack in super-packets.
import { writeFileSync } from 'node:fs';
import { close, ioctl, ioctlNumber, openDevice } from '../../src/ffi/libc.ts';
import { agreeOffloads, type Offloads } from '../../src/tun/offloads.ts';
import type { TunHandle } from '../../src/tun/tun-device.ts';

// linux/if_tun.h
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const IFF_TUN = 0x0001;
const IFF_NAPI = 0x0010;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const IFREQ_LENGTH = 40;
const IFREQ_FLAGS = 16;

/** @param wanted what this side takes when it reads; what it writes may use all of them */
export function openNapiTun(name: string, wanted: Offloads): TunHandle {
  const fd = openDevice('/dev/net/tun');
  try {
    const request = Buffer.alloc(IFREQ_LENGTH);
    request.write(name, 'latin1');
    request.writeUInt16LE(IFF_TUN | IFF_NAPI | IFF_NO_PI | IFF_VNET_HDR, IFREQ_FLAGS);
    ioctl(fd, TUNSETIFF, request);
    const offloads = agreeOffloads(wanted, flags => {
      ioctlNumber(fd, TUNSETOFFLOAD, flags);
      return true;
    });
    return { fd, name, offloads };
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Lets the kernel hold a device's packets for so long, for more to join them. In the namespace that the caller runs in. */
export function holdForGro(name: string, microseconds: number): void {
  writeFileSync(`/sys/class/net/${name}/gro_flush_timeout`, String(microseconds * 1000));
}
