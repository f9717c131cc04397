import { readFileSync } from 'node:fs';

/** The package's own version; package.json lies above the sources and above what is built of them. */
export function packageVersion(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const content: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (typeof content === 'object' && content !== null && 'version' in content) return String(content.version);
    } catch {
      // The other place.
    }
  }
  return 'unknown';
}
