import { z } from 'zod';
import { ConfigError, type Problem } from './config-error.ts';
import { REQUIRED } from './fields.ts';
import { formatPath, type KeyPath, type YamlSource } from './yaml-source.ts';

/** Checks a file against a schema. @throws ConfigError with every problem that was found, each with its line. */
export function checkSource<T extends z.ZodType>(source: YamlSource, schema: T, empty: unknown): z.output<T> {
  const result = schema.safeParse(source.value() ?? empty);
  if (result.success) return result.data;
  throw new ConfigError(
    source.file,
    result.error.issues.flatMap(issue => describe(issue, source, schema)),
  );
}

/** Places a problem that the schema cannot see (two keys that contradict, a file that is missing) on its line. */
export function problemAt(source: YamlSource, path: KeyPath, message: string, accepted?: string): Problem {
  return { line: source.lineOf(path), key: formatPath(path), message, accepted };
}

function describe(issue: z.core.$ZodIssue, source: YamlSource, schema: z.ZodType): Problem[] {
  const path = issue.path.filter(step => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, path).join(', ');
    return issue.keys.map(key => problemAt(source, [...path, key], 'unknown key', known));
  }
  if (issue.code === 'invalid_type') {
    const isMissing = path.length > 0 && !source.document.hasIn(path);
    return [problemAt(source, path, isMissing ? REQUIRED : `must be ${CONTAINERS[issue.expected] ?? issue.expected}`)];
  }
  if (issue.code === 'invalid_key') {
    const [reason] = issue.issues;
    return reason === undefined ? [] : describe({ ...reason, path: issue.path }, source, schema);
  }
  if (issue.code === 'too_small') return [problemAt(source, path, 'must not be empty')];
  const accepted: unknown = issue.code === 'custom' ? issue.params?.['accepted'] : undefined;
  return [problemAt(source, path, issue.message, typeof accepted === 'string' ? accepted : undefined)];
}

const CONTAINERS: Readonly<Record<string, string>> = { object: 'a section with keys', array: 'a list' };

function knownKeys(schema: z.ZodType, path: KeyPath): string[] {
  let inner = unwrap(schema);
  for (const step of path) {
    if (inner instanceof z.ZodObject && typeof step === 'string') inner = unwrap(inner.shape[step]);
    else if (inner instanceof z.ZodArray) inner = unwrap(inner.element);
    else if (inner instanceof z.ZodRecord) inner = unwrap(inner.valueType);
  }
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return unwrap(schema.unwrap());
  return schema instanceof z.ZodPipe ? unwrap(schema.out) : schema;
}
