/** node build/bench/main.js NAME [--json FILE] [--quick] */
import { execFileSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { availableParallelism, cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import type { Benchmark, Row } from './benchmark.ts';
import { formatCell, formatTable } from './table.ts';

const benchmarks: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Benchmark> }>> = {
  hotpath: {
    summary: 'delineation, framing, checksum, admission and route lookup: WASM beside plain TypeScript',
    load: async () => (await import('./hotpath.ts')).hotpath,
  },
  tcp: {
    summary:
      'iperf3 TCP through 1, 8 and 64 tunnels, both directions: Gbit/s, gateway CPU seconds per GB (root, iperf3)',
    load: async () => (await import('./tcp.ts')).tcp,
  },
};

const USAGE = `Usage: npm run bench -- NAME [--json FILE] [--quick]

Benchmarks:
${Object.entries(benchmarks)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join('\n')}

  --json FILE  also write the results and the machine's description to FILE
  --quick      a few seconds: shows that it works, the numbers are rough
  --help       this text`;

process.exitCode = await main(process.argv.slice(2));

/** @returns the exit code: 0 done, 1 failed while running, 2 usage. */
async function main(args: string[]): Promise<number> {
  const request = parse(args);
  if (typeof request === 'number') return request;
  const { name, quick, json, benchmark } = request;
  const machine = describeMachine();
  console.log(
    `${name}${quick ? ' (quick)' : ''} on ${machine.cores} x ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}`,
  );
  const rows: Row[] = [];
  try {
    // Opened first: that a file cannot be written is better known before minutes of measuring.
    const file = json === undefined ? undefined : await open(json, 'w');
    const run = await benchmark.load();
    const results = await run({
      quick,
      report: row => {
        rows.push(row);
        console.error(`  ${Object.values(row).map(formatCell).join('  ')}`);
      },
    });
    console.log(`\n${formatTable(rows)}`);
    const command = `npm run bench -- ${args.join(' ')}`;
    const date = new Date().toISOString();
    const record = { benchmark: name, command, commit: describeCommit(), date, quick, machine, rows, results };
    await file?.writeFile(`${JSON.stringify(record, undefined, 2)}\n`);
    await file?.close();
    return 0;
  } catch (error) {
    console.error(`bench ${name}: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'string' }, quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help === true) {
      console.log(USAGE);
      return 0;
    }
    const [name = '', ...more] = positionals;
    const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
    if (benchmark === undefined) throw new Error(name === '' ? 'no benchmark named' : `no benchmark is called ${name}`);
    if (more.length > 0) throw new Error('one benchmark at a time: they would disturb each other');
    return { name, benchmark, json: values.json, quick: values.quick === true };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
}

function describeMachine() {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU';
  return { cores: availableParallelism(), cpu, kernel: release(), node: process.versions.node };
}

/** What was measured, with a mark when files differ from it; undefined outside of a git checkout. */
function describeCommit(): string | undefined {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
}
