import { execFileSync } from 'node:child_process';

/** Destinations of the IPv4 host routes through a gateway's devices, in the present network namespace. */
export function hostRoutes(devicePrefix: string): string[] {
  const lines = execFileSync('ip', ['-4', 'route', 'show', 'table', 'main'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return lines.split('\n').flatMap(line => {
    const [, destination] = new RegExp(String.raw`^(\S+) dev ${devicePrefix}\d+ `).exec(`${line} `) ?? [];
    return destination === undefined ? [] : [destination];
  });
}
