import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { PacketStream } from './protocol.ts';

/** Packets of one turn of the event loop: answers are read in between. */
const LARGEST_BURST = 256;
/** What timers of Node can do. */
const SHORTEST_PAUSE_MS = 1;

/**
 * Calls `burst` with numbers of packets that add up to the stream's rate, until its time is over. A process that cannot
 * keep up sends fewer packets, not later ones.
 */
export async function pace(
  { packetsPerSecond, durationMs }: PacketStream,
  burst: (packets: number) => void,
): Promise<void> {
  const perMs = packetsPerSecond === undefined ? Number.POSITIVE_INFINITY : packetsPerSecond / 1000;
  const pauseMs = Math.max(SHORTEST_PAUSE_MS, 1 / perMs);
  const started = performance.now();
  let sent = 0;
  for (;;) {
    const elapsed = performance.now() - started;
    if (elapsed >= durationMs) return;
    const due = Math.min(perMs * elapsed - sent, LARGEST_BURST);
    const packets = Math.floor(due);
    if (packets > 0) burst(packets);
    sent += packets;
    if (due < LARGEST_BURST) await sleep(pauseMs);
    else await turn();
  }
}
