import type { UplinkBatch } from '../hotpath/uplink-batch.ts';
import type { OpenOptions } from '../https/open.ts';
import type { TunnelEndReason } from '../protocol/end-reason.ts';
import type { AuthMethod } from '../protocol/ppp/credentials.ts';

export interface SstpClientOptions {
  /** Its `signal` interrupts all of `SstpClient.connect`: once the server has answered, in good order. */
  readonly https: OpenOptions;
  readonly user: string;
  readonly password: string;
  /** Methods that the server may ask for. PAP sends the password itself, protected by TLS alone. */
  readonly auth: readonly AuthMethod[];
  /** Largest IP packet to receive. */
  readonly mtu: number;
  /** Asks for IPv6 beside IPv4. */
  readonly ipv6?: boolean;
  /** 'one' gives each IP packet a TLS record of its own, as sstpc does; 'many' by default, which is faster. */
  readonly packetsPerRecord?: 'one' | 'many';
  /** Takes the packets from the server in place of `receivePacket`: for a runtime whose clients share one network device. */
  readonly uplink?: UplinkBatch;
}

export interface SstpClientEvents {
  /** An IP packet from the server lies at [at, at + length) of the runtime's memory, a zero virtio header in front, until this returns. */
  receivePacket(at: number, length: number): void;
  /** The tunnel is gone, after it was up; not called after `end` or `abort`. */
  ended(reason: TunnelEndReason): void;
}
