// The kinds of value that the configuration knows. Each field says itself what is wrong and what it accepts.
import { isIP } from 'node:net';
import { z } from 'zod';
import { parseIpv4 } from '../wire/ip.ts';
import type { ListenAddress } from './schema.ts';

/** A value that `read` turns into T, or refuses with the text of what is wrong with it. */
export function field<T>(accepted: string, read: (value: unknown) => T | Refusal): z.ZodType<T> {
  return z.unknown().transform((value, context): T => {
    const result = read(value);
    if (!(result instanceof Refusal)) return result;
    context.issues.push({ code: 'custom', message: result.message, params: { accepted }, input: value });
    return z.NEVER;
  });
}

export class Refusal {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export function text(accepted = 'a text'): z.ZodType<string> {
  return field(accepted, value => (typeof value === 'string' && value !== '' ? value : refuse(value)));
}

/** A user name, a password: what YAML takes for a number is a frequent surprise and gets a hint. */
export function quotedText(what: string): z.ZodType<string> {
  return field(`${what} (quote it when it looks like a number, a date or yes/no)`, value => {
    if (typeof value === 'string' && value !== '') return value;
    if (value === null || value === undefined) return refuse(value);
    return new Refusal(value === '' ? 'must not be empty' : `must be a text, not ${kindOf(value)}`);
  });
}

export function flag(): z.ZodType<boolean> {
  return field('true, false', value => (typeof value === 'boolean' ? value : refuse(value)));
}

export function integer(min: number, max: number): z.ZodType<number> {
  return field(`a whole number from ${min} to ${max}`, value =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max ? value : refuse(value),
  );
}

export function oneOf<const T extends string | number>(values: readonly T[]): z.ZodType<T> {
  return field(values.join(', '), value => values.find(known => known === value) ?? refuse(value));
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `60s` and the like, as milliseconds. Bounds are written the same way. */
export function duration(min: string, max: string): z.ZodType<number> {
  const [low, high] = [durationMs(min) ?? 0, durationMs(max) ?? Infinity];
  return field(`a number with its unit (ms, s, m or h), from ${min} to ${max}`, value => {
    if (typeof value === 'number') return new Refusal(`${value} has no unit`);
    const milliseconds = typeof value === 'string' ? durationMs(value) : undefined;
    return milliseconds !== undefined && milliseconds >= low && milliseconds <= high ? milliseconds : refuse(value);
  });
}

function durationMs(value: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/.exec(value);
  const unit = UNIT_MS[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

export function ipv4Address(): z.ZodType<number> {
  return field('an IPv4 address', value => (typeof value === 'string' ? parseIpv4(value) : undefined) ?? refuse(value));
}

export function listenAddress(): z.ZodType<ListenAddress> {
  return field('ADDRESS:PORT or [IPV6]:PORT, as 0.0.0.0:443 or [::]:443', value => {
    const match = typeof value === 'string' ? /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value) : null;
    if (match === null) return refuse(value);
    const host = match[1] ?? (match[2] === 'localhost' ? '127.0.0.1' : (match[2] ?? ''));
    if (isIP(host) !== (match[1] === undefined ? 4 : 6)) return new Refusal(`${show(host)} is not a literal address`);
    const port = Number(match[3]);
    return port <= 65_535 ? { host, port } : new Refusal(`port ${port} does not exist`);
  });
}

/** A key that the documentation names and this version cannot serve: refused when it is set, never ignored. */
export function unavailable(what: string): z.ZodType<undefined> {
  return field('leave the key out', value =>
    value === undefined ? undefined : new Refusal(`${what} is not available in this version`),
  );
}

export function refuse(value: unknown): Refusal {
  if (value === undefined) return new Refusal(REQUIRED);
  return new Refusal(value === null ? 'has no value' : `${show(value)} cannot be used`);
}

export const REQUIRED = 'is required';

function show(value: unknown): string {
  if (typeof value !== 'string')
    return typeof value === 'number' || typeof value === 'boolean' ? `${value}` : kindOf(value);
  return value.length > 60 ? `"${value.slice(0, 60)}..."` : `"${value}"`;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a section';
  return typeof value === 'boolean' ? 'yes/no' : `a ${typeof value}`;
}
