// One session in full, for people. It shows whatever the gateway tells: what it does not know is left out.
import { formatBitRate, formatBytes, formatDuration } from './table.ts';
import { printable } from './terminal-text.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Which fields stand together, in this order; others that are no group of their own follow the first group. */
const GROUPS: readonly (readonly [title: string, keys: readonly string[]])[] = [
  ['session', ['id', 'user', 'state', 'auth', 'connectedAt', 'upAt', 'node', 'worker', 'correlationId', 'class']],
  ['connection', ['remoteAddress', 'localAddress', 'serverName', 'tls']],
  ['network', ['ipv4', 'ipv6', 'delegatedPrefix', 'mtu', 'routes', 'filterId']],
  [
    'traffic',
    ['rxRate', 'txRate', 'rxBytes', 'txBytes', 'rxPackets', 'txPackets', 'queueBytes', 'drops', 'dropsByReason'],
  ],
];

/** Courses over time are for pictures. */
const LEFT_OUT = new Set(['history']);

/** @param now on the clock of `Date.now()` */
export function describeSession(detail: Fields, now: number): string[] {
  const placed = new Set([...LEFT_OUT, ...GROUPS.flatMap(([, keys]) => keys)]);
  const others = Object.keys(detail).filter(key => !placed.has(key));
  const groups = GROUPS.map(([title, keys], index): [string, Fact[]] => {
    const more = index === 0 ? others.filter(key => !isFields(detail[key])) : [];
    return [title, [...keys, ...more].flatMap(key => facts(key, detail[key], now))];
  });
  for (const key of others) {
    const value = detail[key];
    if (isFields(value)) groups.push([words(key), Object.keys(value).flatMap(name => facts(name, value[name], now))]);
  }
  const width = Math.max(...groups.flatMap(([, lines]) => lines.map(([label]) => label.length)));
  return groups
    .filter(([, lines]) => lines.length > 0)
    .flatMap(([title, lines]) => [
      title.toUpperCase(),
      ...lines.map(([label, value]) => printable(`  ${label.padEnd(width)}  ${value}`)),
    ]);
}

type Fact = readonly [label: string, value: string];

function facts(key: string, value: unknown, now: number): Fact[] {
  if (isFields(value)) {
    return Object.entries(value).flatMap(([name, inner]) =>
      facts(name, inner, now).map(([label, text]): Fact => [`${words(key)} ${label}`, text]),
    );
  }
  if (value === null || value === undefined || value === '') return [];
  if (Array.isArray(value)) return value.length === 0 ? [] : [[words(key), value.map(String).join(', ')]];
  return [[words(key), scalar(key, value, now)]];
}

/** The API's names say what a number is. */
function scalar(key: string, value: unknown, now: number): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return key.endsWith('At') ? moment(value, now) : value;
  if (typeof value !== 'number') return String(value);
  if (/Bytes$|Burst$/.test(key)) return formatBytes(value);
  if (/Rate$|Bps$|^up$|^down$/.test(key)) return formatBitRate(value);
  if (/Interval$|Timeout$/.test(key)) return formatDuration(value);
  return String(value);
}

function moment(text: string, now: number): string {
  const at = Date.parse(text);
  if (Number.isNaN(at)) return text;
  const seconds = (at - now) / 1000;
  return `${text} (${seconds > 0 ? `in ${formatDuration(seconds)}` : `${formatDuration(-seconds)} ago`})`;
}

/** `remoteAddress`: remote address. */
function words(key: string): string {
  return key.replaceAll(/(?<=[a-z\d])[A-Z]/g, letter => ` ${letter.toLowerCase()}`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
