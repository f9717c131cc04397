// Numbers and times as people read them. What is not known is a dash.

const UNKNOWN = '–';
const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
const DIGITS = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

type Maybe = number | null | undefined;

/** @param rate bits per second */
export function formatBitRate(rate: Maybe): string {
  return scaled(rate, 'bit/s');
}

export function formatBytes(bytes: Maybe): string {
  return scaled(bytes, 'B');
}

export function formatCount(value: Maybe): string {
  if (value === null || value === undefined) return UNKNOWN;
  return value < 1e9 ? WHOLE.format(value) : scaled(value, '').trimEnd();
}

/** Short, for numbers that change all the time. */
export function formatRate(perSecond: Maybe, unit: string): string {
  return scaled(perSecond, unit);
}

/** @param share 0 to 1 */
export function formatPercent(share: Maybe): string {
  if (share === null || share === undefined || Number.isNaN(share)) return UNKNOWN;
  const percent = share * 100;
  if (percent > 0 && percent < 0.05) return '< 0.1 %';
  return `${percent > 0 && percent < 10 ? percent.toFixed(1) : WHOLE.format(percent)} %`;
}

/** A short time. */
export function formatMilliseconds(seconds: Maybe): string {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  return `${DIGITS.format(seconds * 1000)} ms`;
}

const SPANS: readonly (readonly [unit: string, seconds: number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
];

/** The two largest units: `3d 4h`, `12m 5s`. */
export function formatDuration(seconds: Maybe): string {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  let rest = Math.max(0, Math.floor(seconds));
  const first = SPANS.findIndex(([unit, length]) => rest >= length || unit === 's');
  const parts = SPANS.slice(first, first + 2).map(([unit, length]) => {
    const count = Math.floor(rest / length);
    rest -= count * length;
    return `${count}${unit}`;
  });
  return parts.join(' ');
}

/** How long ago, or ahead, `at` is. @param now milliseconds since 1970 */
export function formatAge(at: string | null | undefined, now: number): string {
  return at === null || at === undefined ? UNKNOWN : formatDuration((now - Date.parse(at)) / 1000);
}

/** Local time of day. */
export function formatClock(at: string | number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}

/** Local date and time. */
export function formatDateTime(at: string | null | undefined): string {
  if (at === null || at === undefined) return UNKNOWN;
  const date = new Date(at);
  return `${date.toLocaleDateString('sv-SE')} ${date.toLocaleTimeString('en-GB')}`;
}

export function formatText(value: string | number | null | undefined): string {
  return value === null || value === undefined || value === '' ? UNKNOWN : String(value);
}

/** With three digits and a decimal prefix. */
function scaled(value: Maybe, unit: string): string {
  if (value === null || value === undefined) return UNKNOWN;
  let rest = value;
  let prefix = 0;
  // What would be shown as 1,000 is shown as 1 of the next prefix.
  while (Number(rest.toPrecision(3)) >= 1000 && prefix < PREFIXES.length - 1) {
    rest /= 1000;
    prefix++;
  }
  return `${DIGITS.format(rest)} ${PREFIXES[prefix]}${unit}`;
}
