import assert from 'node:assert/strict';
import { platform } from 'node:os';
import { describe, test } from 'node:test';
import { CpuMeter, threadCpuMs } from '../../src/worker/cpu-meter.ts';

describe('how busy a thread is', () => {
  test('is the CPU time of an interval over its length', () => {
    let cpu = 500;
    const meter = new CpuMeter(() => cpu, 1_000);
    cpu += 250;
    assert.equal(meter.share(2_000), 0.25);
    assert.equal(meter.share(3_000), 0);
    assert.equal(meter.share(3_000), undefined, 'no time has passed');
  });

  test('is unknown while nobody knows the CPU time, and for the interval after', () => {
    let cpu: number | undefined;
    const meter = new CpuMeter(() => cpu, 1_000);
    cpu = 10;
    assert.equal(meter.share(2_000), undefined);
    cpu = 20;
    assert.equal(meter.share(3_000), 0.01);
  });

  test('grows when the thread works', { skip: platform() !== 'linux' && 'the kernel tells it on Linux only' }, () => {
    const before = threadCpuMs()!;
    const end = process.cpuUsage().user + 20_000;
    while (process.cpuUsage().user < end);
    assert.ok(threadCpuMs()! - before >= 5, String(threadCpuMs()! - before));
  });
});
