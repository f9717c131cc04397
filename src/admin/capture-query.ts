// What a capture is asked to be: when it ends, and how much it tells.
import { z } from 'zod';

export interface CaptureOptions {
  readonly seconds: number;
  /** Of the whole file. */
  readonly bytes: number;
  /** Frames; undefined for no bound. */
  readonly packets: number | undefined;
  /** Bytes of a frame that are kept; undefined for all. */
  readonly snaplen: number | undefined;
  /** Authentication is shown as it is. */
  readonly auth: boolean;
}

const DEFAULTS = { seconds: 60, bytes: 64 * 1024 * 1024 } as const;
/** Neither forgotten captures nor full disks: who wants more asks again. */
const RANGES = {
  seconds: { min: 1, max: 3600 },
  /** The blocks around the frames take up to a kilobyte. */
  bytes: { min: 4096, max: 1024 ** 3 },
  packets: { min: 1, max: 1e9 },
  snaplen: { min: 16, max: 65_535 },
} as const;
type Name = keyof typeof RANGES;

export const CAPTURE_PARAMETERS = {
  seconds: {
    description: `The capture ends after so long; ${DEFAULTS.seconds} unless told`,
    schema: within(RANGES.seconds),
  },
  bytes: { description: `Of the whole file; ${DEFAULTS.bytes} unless told`, schema: within(RANGES.bytes) },
  packets: { description: 'Frames; no limit unless told', schema: within(RANGES.packets) },
  snaplen: { description: 'Bytes of a frame that are kept; all unless told', schema: within(RANGES.snaplen) },
  auth: { description: 'Show authentication as it is; it is blanked else', schema: z.enum(['true', 'false']) },
};

/** A text says what is wrong with the query. */
export function parseCaptureQuery(text: string): CaptureOptions | string {
  const numbers: Partial<Record<Name, number>> = {};
  let auth = false;
  for (const [name, value] of new URLSearchParams(text)) {
    if (name === 'auth') {
      if (value !== 'true' && value !== 'false') return 'auth must be true or false';
      auth = value === 'true';
    } else if (isName(name)) {
      const { min, max } = RANGES[name];
      const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
      if (!(number >= min && number <= max)) return `${name} must be a whole number from ${min} to ${max}`;
      numbers[name] = number;
    } else {
      return `there is no parameter ${name}; accepted: ${Object.keys(RANGES).join(', ')}, auth`;
    }
  }
  return { ...DEFAULTS, packets: undefined, snaplen: undefined, ...numbers, auth };
}

function isName(name: string): name is Name {
  return Object.hasOwn(RANGES, name);
}

function within({ min, max }: { readonly min: number; readonly max: number }): z.ZodType {
  return z.int().min(min).max(max);
}
