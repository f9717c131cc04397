/**
 * Turns the JSON of runs into docs/performance.md and charts beside it. Only the latest record of a benchmark counts, a
 * full one before a quick one.
 */
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from './benchmark.ts';
import { withShare } from './limits.ts';
import type { Limits } from './limits.ts';
import { drawBars } from './report-chart.ts';
import type { BarChart } from './report-chart.ts';
import { SECTIONS } from './report-sections.ts';
import type { ChartSpec, Section } from './report-sections.ts';
import { formatCell } from './table.ts';

/** As `bench/main.ts` writes it. */
interface RunRecord {
  readonly benchmark: string;
  readonly command: string;
  readonly commit?: string;
  readonly date: string;
  readonly quick: boolean;
  readonly machine: { readonly cores: number; readonly cpu: string; readonly kernel: string; readonly node: string };
  readonly rows: readonly Row[];
  readonly results: unknown;
}

/** Results are kept where the report's charts are, so that it can be written again. */
export const REPORT_DIRECTORY = 'docs/performance';
const REPORT = 'docs/performance.md';

/**
 * @param paths JSON files, and directories of them; {@link REPORT_DIRECTORY} when empty
 * @returns the files written
 * @throws Error when there is nothing to report
 */
export function writeReport(paths: readonly string[]): string[] {
  const records = latest((paths.length === 0 ? [REPORT_DIRECTORY] : paths).flatMap(jsonFiles).flatMap(readRecord));
  if (records.size === 0) throw new Error('no results: run benchmarks with --json FILE first');
  mkdirSync(REPORT_DIRECTORY, { recursive: true });
  const written: string[] = [];
  const write = (file: string, content: string): void => {
    writeFileSync(file, content);
    written.push(file);
  };
  const limits = (records.get('limit')?.results as { limits?: Limits } | undefined)?.limits;
  const sections = SECTIONS.flatMap(section => {
    const record = records.get(section.benchmark);
    if (record === undefined) return [];
    const charts = section.charts.flatMap(spec => {
      const chart = fill(spec, record.rows);
      if (chart === undefined) return [];
      write(join(REPORT_DIRECTORY, `${spec.name}.svg`), drawBars(chart));
      return [`![${chart.title}](performance/${spec.name}.svg)`];
    });
    return [describe(section, record, charts, limits)];
  });
  write(REPORT, `${[HEAD, ...sections].join('\n\n')}\n`);
  return written;
}

const HEAD = `# Performance

Written by \`npm run bench -- report\` from the results in \`${REPORT_DIRECTORY}\`: not to be edited. Each section says on what, of
what, and by which command it was measured. CPU time is that of the gateway's process alone; the load is made by processes of their
own on the same machine. [The benchmarks](../bench) say in their first lines what they do.`;

function describe(section: Section, record: RunRecord, charts: readonly string[], limits: Limits | undefined): string {
  const { machine, date, commit, command, quick } = record;
  const facts = [
    `${machine.cores} x ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}`,
    `${date.slice(0, 10)}${commit === undefined ? '' : `, commit ${commit}`}`,
    ...(quick ? ['**a quick run: the numbers are rough**'] : []),
  ];
  const rows = record.rows.map(row => withShare(record.benchmark, row, limits));
  return [
    `## ${section.title}`,
    section.text,
    `\`${command}\` on ${facts.join('; ')}.`,
    markdownTable(rows),
    ...charts,
  ].join('\n\n');
}

function jsonFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter(name => name.endsWith('.json'))
    .map(name => join(path, name));
}

function readRecord(file: string): RunRecord[] {
  const record = JSON.parse(readFileSync(file, 'utf8')) as Partial<RunRecord>;
  if (record.benchmark === undefined || record.rows === undefined)
    throw new Error(`${file}: not written by a benchmark`);
  return [record as RunRecord];
}

function latest(records: readonly RunRecord[]): Map<string, RunRecord> {
  const ranked = records.toSorted((a, b) => Number(b.quick) - Number(a.quick) || a.date.localeCompare(b.date));
  return new Map(ranked.map(record => [record.benchmark, record]));
}

/** Undefined when the rows have nothing for the chart. */
function fill({ title, label, series, only }: ChartSpec, rows: readonly Row[]): BarChart | undefined {
  const shown = rows.filter(row => only?.(row) ?? true);
  const isPivot = 'by' in series;
  const names = isPivot ? [...new Set(shown.map(row => String(row[series.by])))] : series;
  const groups = new Map<string, (number | undefined)[]>();
  for (const row of shown) {
    const values = groups.get(label(row)) ?? names.map(() => undefined);
    groups.set(label(row), values);
    if (isPivot) values[names.indexOf(String(row[series.by]))] = numberIn(row[series.value]);
    else names.forEach((name, index) => (values[index] = numberIn(row[name])));
  }
  const filled = [...groups].filter(([, values]) => values.some(value => value !== undefined));
  if (filled.length === 0) return undefined;
  return { title, series: names, groups: filled.map(([name, values]) => ({ label: name, values })) };
}

function numberIn(cell: string | number | undefined): number | undefined {
  const value = typeof cell === 'string' && cell.trim() === '' ? Number.NaN : Number(cell);
  return Number.isFinite(value) ? value : undefined;
}

/** Numbers to the right, columns aligned, as the formatter has it. */
function markdownTable(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap(row => Object.keys(row)))];
  const isNumeric = columns.map(column =>
    rows.every(row => numberIn(row[column]) !== undefined || (row[column] ?? '') === ''),
  );
  const lines = [columns, ...rows.map(row => columns.map(column => formatCell(row[column]).replaceAll('|', '\\|')))];
  const widths = columns.map((_, index) => Math.max(3, ...lines.map(line => line[index]?.length ?? 0)));
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, index) => (isNumeric[index] === true ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!))).join(' | ')} |`;
  const rule = widths.map((width, index) =>
    isNumeric[index] === true ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [format(lines[0]!), format(rule), ...lines.slice(1).map(format)].join('\n');
}
