/** The packet path in WASM beside its plain TypeScript twin. */
import { Hotpath, loadHotpath } from '../src/hotpath/hotpath.ts';
import { HotpathTwin } from '../src/hotpath/hotpath-twin.ts';
import type { PacketPath } from '../src/hotpath/packet-path.ts';
import type { Benchmark } from './benchmark.ts';
import { compare } from './compare.ts';
import type { Case, hotpathCases } from './hotpath-cases.ts';

export const hotpath: Benchmark = async ({ quick, report }) => {
  const effort = quick ? { warmUpMs: 30, rounds: 8, roundMs: 2 } : { warmUpMs: 250, rounds: 41, roundMs: 8 };
  const baselines = await casesFor('twin', new HotpathTwin());
  const candidates = await casesFor('wasm', new Hotpath(await loadHotpath()));
  const results = [];
  for (const [index, { name, packets, bytes, repeat }] of candidates.entries()) {
    const baseline = baselines[index];
    if (baseline?.name !== name) throw new Error(`the twin has no case "${name}"`);
    const { baselineNs, candidateNs, ratio } = compare(baseline.repeat, repeat, effort);
    results.push({
      name,
      packets,
      bytes,
      wasm: { nsPerPacket: candidateNs / packets, gigabytesPerSecond: bytes / candidateNs },
      twin: { nsPerPacket: baselineNs / packets, gigabytesPerSecond: bytes / baselineNs },
      ratio,
    });
    report({
      case: name,
      'WASM ns/packet': round(candidateNs / packets),
      'twin ns/packet': round(baselineNs / packets),
      'WASM GB/s': round(bytes / candidateNs),
      'twin GB/s': round(bytes / baselineNs),
      'times faster': round(ratio),
    });
  }
  return { unit: 'ratio = twin time / WASM time, median of interleaved rounds', effort, cases: results };
};

/** A copy of the module for each implementation: shared code would share type feedback, and slow both down. */
async function casesFor(label: string, path: PacketPath): Promise<Case[]> {
  const module = new URL('./hotpath-cases.js', import.meta.url);
  module.search = label;
  const loaded = (await import(module.href)) as { hotpathCases: typeof hotpathCases };
  return loaded.hotpathCases(path);
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
