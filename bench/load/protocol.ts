/**
 * What benchmarks say to the load processes and hear from them.
 *
 * Three kinds of process make load, none knows anything of the gateway but its addresses:
 *
 *   the generator  N clients of the project's library in one process, on the outer side: connects, uploads, counts
 *                  what it receives, pings. Runs against any SSTP server.
 *   the sender     a TUN device of its own on the network behind the gateway: injects UDP packets to tunnels
 *                  (download) and counts what tunnels send to its network (upload). Not a client and not a server.
 *   the reader     whoever watches a gateway: asks its admin plane again and again, and holds WebSockets of events.
 *
 * All answer commands over the IPC channel of `child_process`, one at a time, in order ({@link LoadProcess} calls,
 * {@link serveCommands} answers): everything here is plain JSON. IPv4 addresses are unsigned 32-bit numbers, times are
 * milliseconds, `cpuSeconds` is what the answering process itself spent (user and system) during the command.
 *
 *     const generator = await startGenerator(clientSide.name);
 *     const { up, latenciesMs, addresses } = await generator.call('connect', { target, count: 1000, concurrency: 32 });
 *     await generator.call('startCounting', {});
 *     await sender.call('send', { destinations: addresses, packetLength: 64, packetsPerSecond: 20_000, durationMs: 5000 });
 *     const { packets, lost } = await generator.call('counted', {});
 */
import type { OpenOptions } from '../../src/https/open.ts';
import type { AuthMethod } from '../../src/protocol/ppp/credentials.ts';

/** The server, whichever it is, and how to log in. */
export interface Target {
  /** Where it is, what to trust (`ca`, `certificateSha256` or `insecure`), which TLS versions to speak. */
  readonly https: Pick<
    OpenOptions,
    'host' | 'port' | 'serverName' | 'ca' | 'certificateSha256' | 'insecure' | 'minVersion' | 'maxVersion'
  >;
  readonly user: string;
  readonly password: string;
  /** Methods that the server may ask for. */
  readonly auth: readonly AuthMethod[];
}

export interface GeneratorCommands {
  /** Opens `count` more tunnels. Resolves when each is up or has failed. */
  connect(request: ConnectRequest): ConnectReport;
  /** UDP from tunnels to one address. Resolves when the last packet was handed to TLS. */
  upload(request: UploadRequest): SendReport;
  /** Forgets what was counted, and begins to count the UDP packets of a sender or an echo that arrive in tunnels. */
  startCounting(request: Nothing): Nothing;
  /** What has arrived since {@link GeneratorCommands.startCounting}; counting goes on. Leave packets on their way some time. */
  counted(request: Nothing): CountReport;
  /** ICMP echo to each tunnel's gateway address (the server's own) at a rate: latency when slow, load both ways when fast. */
  ping(request: PingRequest): PingReport;
  /** How the tunnels are. Also the way to wait: idle tunnels need no command. */
  status(request: Nothing): StatusReport;
  /** Ends tunnels: `end` in good order (resolves when the server has agreed), `abort` with a RST. */
  close(request: CloseRequest): CloseReport;
}

export interface SenderCommands {
  /** UDP to tunnels, in turn. Resolves when the last packet was handed to the kernel. */
  send(request: SendRequest): SendReport;
  /** Packets that came out of the gateway for the sender's network since the last `arrived`. */
  arrived(request: Nothing): { readonly packets: number };
}

export interface ReaderCommands {
  /** Resolves when the time is over and all connections are closed. */
  read(request: ReadRequest): ReadReport;
}

/** Empty, of necessity: JSON has no undefined. */
type Nothing = Readonly<Record<string, never>>;

export interface ConnectRequest {
  readonly target: Target;
  readonly count: number;
  /** Handshakes at a time. */
  readonly concurrency: number;
  /** Tunnels begun per second at most; as fast as `concurrency` lets when absent. */
  readonly perSecond?: number;
  /** Whether each packet of an upload has a TLS record of its own; 'many' by default. */
  readonly packetsPerRecord?: 'one' | 'many';
}

export interface ConnectReport {
  readonly up: number;
  /** How often for each reason: the error's code or the tunnel's end reason. Empty is good. */
  readonly failures: Readonly<Record<string, number>>;
  /** From the beginning of the TCP connect to the tunnel being up, for each tunnel that came up. */
  readonly latenciesMs: readonly number[];
  /** Addresses that the server assigned to the tunnels of this command. */
  readonly addresses: readonly number[];
  readonly elapsedMs: number;
  readonly cpuSeconds: number;
}

/** A stream of packets of one size. */
export interface PacketStream {
  /** Bytes of the whole IP packet, {@link MIN_PACKET_LENGTH} to the tunnels' MTU. */
  readonly packetLength: number;
  /** Over all tunnels together; absent is flat out: as fast as the process can and the connections take. */
  readonly packetsPerSecond?: number;
  readonly durationMs: number;
}

export interface UploadRequest extends PacketStream {
  /** The first so many tunnels send, in turn; all when absent. */
  readonly tunnels?: number;
  /** On the network behind the server; the server's own address in the tunnel when absent. */
  readonly destination?: number;
  readonly port: number;
}

export interface SendRequest extends PacketStream {
  /** Addresses of tunnels. */
  readonly destinations: readonly number[];
}

export interface SendReport {
  readonly sent: number;
  /** Not sent: the tunnel's queue, or the device's, was full. Flat out this is how the process is slowed down. */
  readonly refused: number;
  readonly elapsedMs: number;
  readonly cpuSeconds: number;
}

export interface CountReport {
  readonly packets: number;
  /** Whole IP packets. */
  readonly bytes: number;
  /** Gaps in the tunnels' sequence numbers. What is lost after a tunnel's last packet is not seen: compare with `sent`. */
  readonly lost: number;
  /** Arrived behind a later one of its tunnel. */
  readonly late: number;
  /** Tunnels that have received anything. */
  readonly tunnels: number;
  /** From the first packet to the last. */
  readonly elapsedMs: number;
  /** Since `startCounting`. */
  readonly cpuSeconds: number;
}

export interface PingRequest extends PacketStream {
  /** The first so many tunnels, in turn; all when absent. */
  readonly tunnels?: number;
}

export interface PingReport {
  readonly sent: number;
  readonly received: number;
  /** Of each answer, in the order of arrival. */
  readonly roundTripsMs: readonly number[];
  readonly cpuSeconds: number;
}

export interface CloseRequest {
  readonly how: 'end' | 'abort';
  /** Those that came up last; all when absent. */
  readonly last?: number;
}

export interface CloseReport {
  readonly closed: number;
  readonly elapsedMs: number;
}

export interface ReadRequest {
  /** URL of the admin plane, which wants no token. */
  readonly admin: string;
  readonly durationMs: number;
  /** The list of all sessions and the metrics are asked for so often; not before the last answer is there. */
  readonly intervalMs: number;
  /** WebSockets of events. */
  readonly sockets: number;
  /** Of them those that never read. They stay open into the next request. */
  readonly stalled: number;
}

export interface ReadReport {
  readonly polls: number;
  /** In the last list. */
  readonly sessions: number;
  /** Of all answers. */
  readonly bytes: number;
  /** Of each poll: both answers, one after the other. */
  readonly pollMs: readonly number[];
  /** That all sockets together have received. */
  readonly events: number;
  /** That the gateway has not sent to readers that were too slow, since it started. */
  readonly missed: number;
  readonly cpuSeconds: number;
}

interface StatusReport {
  readonly up: number;
  /** Tunnels that the server or the network ended, by reason. Empty is good. */
  readonly ended: Readonly<Record<string, number>>;
  /** Of the process since it started. */
  readonly cpuSeconds: number;
}

/** IPv4 header, UDP header, and the sequence number. */
export const MIN_PACKET_LENGTH = 32;
