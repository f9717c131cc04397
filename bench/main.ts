/** node build/bench/main.js NAME [--json FILE] [--quick] */
import { execFileSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { availableParallelism, cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import type { Benchmark, Flag, FlagValues, Row } from './benchmark.ts';
import { limitFlag } from './limits.ts';
import { peerFlags } from './peer-flags.ts';
import { REPORT_DIRECTORY, writeReport } from './report.ts';
import { setupFlags } from './setup-flags.ts';
import { formatCell, formatTable } from './table.ts';

interface Entry {
  readonly summary: string;
  readonly flags?: Readonly<Record<string, Flag>>;
  readonly load: () => Promise<Benchmark>;
}

const benchmarks: Readonly<Record<string, Entry>> = {
  hotpath: {
    summary: 'delineation, framing, checksum, admission and route lookup: WASM beside plain TypeScript',
    load: async () => (await import('./hotpath.ts')).hotpath,
  },
  tcp: {
    summary:
      'iperf3 TCP through 1, 8 and 64 tunnels, both directions: Gbit/s, gateway CPU seconds per GB (root, iperf3)',
    flags: limitFlag,
    load: async () => (await import('./tcp.ts')).tcp,
  },
  udp: {
    summary: 'packets of 64, 512 and 1400 bytes over 1, 100 and 1,000 tunnels: packets/s, gateway CPU us/packet (root)',
    flags: limitFlag,
    load: async () => (await import('./udp.ts')).udp,
  },
  setup: {
    summary: 'connection storm of 2,000 tunnels, RSA and P-256: tunnels/s, gateway CPU, latency, failures (root)',
    flags: setupFlags,
    load: async () => (await import('./setup.ts')).setup,
  },
  idle: {
    summary: '1,000, 5,000 and 10,000 idle tunnels: KB per tunnel, % of a core (root)',
    load: async () => (await import('./idle.ts')).idle,
  },
  rtt: {
    summary: 'ping through idle and loaded tunnels, and over a path of 50 Mbit/s and 20 ms (root, iperf3, ping, tc)',
    load: async () => (await import('./rtt.ts')).rtt,
  },
  ratelimit: {
    summary: 'rate asked and measured of TCP, 1 to 100 Mbit/s, both directions; ping beside it (root, iperf3, ping)',
    load: async () => (await import('./ratelimit.ts')).ratelimit,
  },
  scale: {
    summary: 'gateway CPU per tunnel and per packet at 10 to 5,000 tunnels, 1 and 2 workers, and its slope (root)',
    load: async () => (await import('./scale.ts')).scale,
  },
  operate: {
    summary: 'ping, and memory over ten minutes, of 5,000 tunnels with and without readers of the admin plane (root)',
    load: async () => (await import('./operate.ts')).operate,
  },
  peers: {
    summary: 'another SSTP server that is running, beside this gateway under the same load (root)',
    flags: peerFlags,
    load: async () => (await import('./peers.ts')).peers,
  },
  limit: {
    summary: 'what the machine itself allows: node:tls alone, and a copy from TUN device to TUN device (root, iperf3)',
    load: async () => (await import('./limit.ts')).limit,
  },
};

const USAGE = `Usage: npm run bench -- NAME [--json FILE] [--quick]
       npm run bench -- report [DIRECTORY or FILE ...]

Benchmarks:
${Object.entries(benchmarks)
  .flatMap(([name, { summary, flags = {} }]) => [`  ${name.padEnd(10)} ${summary}`, ...describeFlags(flags)])
  .join('\n')}

  --json FILE  also write the results and the machine's description to FILE
  --quick      a few seconds: shows that it works, the numbers are rough
  --help       this text

report turns the JSON files of runs, by default those in ${REPORT_DIRECTORY}, into docs/performance.md with charts.`;

process.exitCode = await main(process.argv.slice(2));

/** @returns the exit code: 0 done, 1 failed while running, 2 usage. */
async function main(args: string[]): Promise<number> {
  const request = parse(args);
  if (typeof request === 'number') return request;
  const { name, quick, json, benchmark, flags } = request;
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
      flags,
      report: row => {
        rows.push(row);
        console.error(`  ${Object.values(row).map(formatCell).join('  ')}`);
      },
    });
    console.log(`\n${formatTable(rows)}`);
    const command = `npm run bench -- ${withoutPassword(args).join(' ')}`;
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
    const ofBenchmarks: Record<string, Flag> = Object.assign({}, ...Object.values(benchmarks).map(each => each.flags));
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...ofBenchmarks,
        json: { type: 'string' },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) {
      console.log(USAGE);
      return 0;
    }
    const [name = '', ...more] = positionals;
    if (name === 'report') return reportOn(more);
    const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
    if (benchmark === undefined) throw new Error(name === '' ? 'no benchmark named' : `no benchmark is called ${name}`);
    if (more.length > 0) throw new Error('one benchmark at a time: they would disturb each other');
    const { json, quick, ...flags } = values;
    const foreign = Object.keys(flags).find(flag => !Object.hasOwn(benchmark.flags ?? {}, flag));
    if (foreign !== undefined) throw new Error(`--${foreign} is not for ${name}`);
    return { name, benchmark, json, quick: quick === true, flags: flags as FlagValues };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
}

/** @returns the exit code. */
function reportOn(paths: readonly string[]): number {
  try {
    console.log(writeReport(paths).join('\n'));
    return 0;
  } catch (error) {
    console.error(`bench report: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

function describeFlags(flags: Readonly<Record<string, Flag>>): string[] {
  return Object.entries(flags).map(
    ([name, { argument = '', help }]) => `    ${`--${name} ${argument}`.padEnd(30)} ${help}`,
  );
}

/** The results are kept and shown. */
function withoutPassword(args: readonly string[]): string[] {
  return args.map((arg, index) =>
    args[index - 1] === '--password' ? '...' : arg.replace(/^--password=.*/s, '--password=...'),
  );
}

function describeMachine() {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU';
  return { cores: availableParallelism(), cpu, kernel: release(), node: process.versions.node };
}

/** What was measured, with a mark when files other than results differ from it; undefined outside of a git checkout. */
function describeCommit(): string | undefined {
  try {
    const commit = git('rev-parse', '--short', 'HEAD');
    return git('status', '--porcelain', '--', '.', ':!docs/performance*') === '' ? commit : `${commit}-dirty`;
  } catch {
    return undefined;
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
}
