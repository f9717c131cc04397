// Setting up a TUN interface: address, MTU, state.
//
// Every worker's device has the same gateway address, as a /32 that brings no network route: which device an address is behind is told by
// its host route. Reverse-path filtering needs no exception for that, in strict mode either: a packet's source always has a host route
// through the device it came in on.

import { readFile } from 'node:fs/promises';
import { runIp } from './ip-command.ts';

export interface InterfaceSettings {
  readonly name: string;
  /** IPv4 address of this end; undefined for none. */
  readonly address?: string | undefined;
  /** Address of the other end, for a device that leads to a single host; the kernel adds a host route to it. */
  readonly peer?: string;
  /** IPv6 addresses of this end with their prefix lengths ('2001:db8::1/128'). The device has no link-local one unless it is among them. */
  readonly addresses6?: readonly string[];
  /** Bytes; at most `largestPacket` of the landing area that the device is read into. */
  readonly mtu: number;
}

/** Packets that may wait in the device while the worker's event loop is busy: the default of an Ethernet card, twice that of TUN. */
const QUEUE_PACKETS = 1000;

/**
 * Gives the interface its address and MTU and brings it up. Repeating it changes nothing.
 * @throws IpCommandError
 */
export async function configureInterface(settings: InterfaceSettings): Promise<void> {
  const { name, address, peer, addresses6 = [], mtu } = settings;
  await suppressLinkLocal(name);
  if (address !== undefined) {
    const local = peer === undefined ? [`${address}/32`] : [address, 'peer', `${peer}/32`];
    await runIp('address', 'replace', ...local, 'dev', name);
  }
  await runIp('link', 'set', 'dev', name, 'mtu', String(mtu), 'txqueuelen', String(QUEUE_PACKETS), 'up');
  // Nobody else could have them on a link of two: without looking for duplicates they can be used at once. And only when the interface is
  // up: going down takes them away.
  for (const own of addresses6) await runIp('address', 'replace', own, 'dev', name, 'nodad');
}

/** Without a link-local address the kernel sends no router solicitations into the device. A kernel without IPv6 has none to suppress. */
async function suppressLinkLocal(name: string): Promise<void> {
  try {
    await runIp('link', 'set', 'dev', name, 'addrgenmode', 'none');
  } catch {
    // The next command names whatever is wrong with the interface itself.
  }
}

/** Whether the kernel forwards IPv4 between interfaces (net.ipv4.ip_forward): the operator's to set. False when it cannot be read. */
export async function forwardsIpv4(): Promise<boolean> {
  return await isSet('/proc/sys/net/ipv4/ip_forward');
}

/** The same for IPv6 (net.ipv6.conf.all.forwarding). */
export async function forwardsIpv6(): Promise<boolean> {
  return await isSet('/proc/sys/net/ipv6/conf/all/forwarding');
}

async function isSet(file: string): Promise<boolean> {
  const value = await readFile(file, 'latin1').catch(() => '0');
  return value.trim() === '1';
}
