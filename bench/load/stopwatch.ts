interface Reading {
  readonly elapsedMs: number;
  /** User and system time of this process. */
  readonly cpuSeconds: number;
}

/** @returns a function that reads both clocks since now. */
export function startStopwatch(): () => Reading {
  const started = performance.now();
  const cpu = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { elapsedMs: performance.now() - started, cpuSeconds: (user + system) / 1e6 };
  };
}
