// Writes kernel-gro.json anew, from this machine's kernel: `node build/test/hotpath/record-kernel-gro.js`, as root, with ethtool.
import { writeFileSync } from 'node:fs';
import type { SuperPacket } from './gathering.ts';
import { KernelGro } from './kernel-gro.ts';
import { alikeRounds, describeSupers, type RecordedRound, RECORDING } from './kernel-gro-rounds.ts';
import { hex } from './traffic.ts';

const ROUNDS = 8;
/** Small: the recording is kept. */
const SIZES = [1, 7, 40];
/** Of so many tries the one counts in which most was joined: a tick of the kernel's clock ends super-packets early. */
const TRIES = 20;

const kernel = new KernelGro();
const recorded: RecordedRound[] = [];
for (const packets of alikeRounds(ROUNDS, SIZES)) {
  let best: SuperPacket[] | undefined;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const supers = await kernel.join(packets);
    if (best === undefined || supers.length < best.length) best = supers;
  }
  recorded.push({ packets: packets.map(hex), supers: describeSupers(best!) });
}
kernel.close();
writeFileSync(RECORDING, `${JSON.stringify(recorded, undefined, 1)}\n`);
