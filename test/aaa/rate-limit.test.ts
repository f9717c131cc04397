import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  formatRate,
  joinRates,
  parseCiscoRate,
  parseFilterIdRate,
  parseMikrotikRate,
  wisprRate,
} from '../../src/aaa/rate-limit.ts';

const NO_BURST = { upBurst: undefined, downBurst: undefined };
const UNLIMITED = { up: undefined, down: undefined, ...NO_BURST };

describe('Mikrotik-Rate-Limit', () => {
  test('rx is the upload, tx the download', () => {
    assert.deepEqual(parseMikrotikRate('1M/10M'), { up: 1e6, down: 10e6, ...NO_BURST });
  });

  test('one number is for both directions', () => {
    assert.deepEqual(parseMikrotikRate('512k'), { up: 512e3, down: 512e3, ...NO_BURST });
  });

  test('units are powers of 1000 in either case; without one it is bits per second', () => {
    assert.deepEqual(parseMikrotikRate('64000/2G'), { up: 64_000, down: 2e9, ...NO_BURST });
    assert.deepEqual(parseMikrotikRate('64K/5m'), { up: 64e3, down: 5e6, ...NO_BURST });
  });

  test('0 is unlimited', () => {
    assert.deepEqual(parseMikrotikRate('0'), UNLIMITED);
    assert.deepEqual(parseMikrotikRate('0/4M 8M 4M 1'), {
      up: undefined,
      down: 4e6,
      upBurst: undefined,
      downBurst: 250_000,
    });
  });

  test('the burst is what passes above the rate while RouterOS would hold the burst rate', () => {
    // 8 M for 6 M * 16 s / 8 M = 12 s, of which 4 M are above the rate; 10 M for 12 s, of which 5 M are.
    assert.deepEqual(parseMikrotikRate('4M/5M 8M/10M 6M/7500k 16/16 8 1M/1M'), {
      up: 4e6,
      down: 5e6,
      upBurst: 6e6,
      downBurst: 7.5e6,
    });
  });

  test('a burst without a threshold or time has the rate and one second for them', () => {
    assert.deepEqual(parseMikrotikRate('1M/2M 2M/4M'), { up: 1e6, down: 2e6, upBurst: 62_500, downBurst: 125_000 });
    assert.deepEqual(parseMikrotikRate('1M/2M 2M/4M 1M/2M 2s'), {
      up: 1e6,
      down: 2e6,
      upBurst: 125_000,
      downBurst: 250_000,
    });
  });

  test('a burst rate below the rate is no burst', () => {
    assert.deepEqual(parseMikrotikRate('2M 1M 1M 8'), { up: 2e6, down: 2e6, ...NO_BURST });
  });

  test('what is not of the notation says nothing', () => {
    const others = ['', ' ', '/', '1M/', '/1M', '1M/2M/3M', '-1M', '1.5M', '1MB', '0x10', '1e6', 'M', 'fast', '1M,2M'];
    const tails = ['1M x', '1M 2M 3M 4k', '1M 2M 3M 4 9', '1M 2M 3M 4 0', '1M 2M 3M 4 8 x', '1M 2M 3M 4 8 1M x'];
    for (const text of [...others, ...tails, '9'.repeat(30), '9007199254740993k', '1M 9007199254740991G']) {
      assert.equal(parseMikrotikRate(text), undefined, text);
    }
  });
});

describe('Filter-Id', () => {
  test('is download, then upload, in kbit/s', () => {
    for (const text of ['2000/500', String.raw`2000\500`, '2000:500', '0,2000/500', ' 2000/500 ']) {
      assert.deepEqual(parseFilterIdRate(text, 1), { up: 500e3, down: 2e6, ...NO_BURST }, text);
    }
  });

  test('one number is for both directions', () => {
    assert.deepEqual(parseFilterIdRate('1024', 1), { up: 1024e3, down: 1024e3, ...NO_BURST });
  });

  test('is scaled by the multiplier', () => {
    assert.deepEqual(parseFilterIdRate('2000/500', 1.024), { up: 512e3, down: 2048e3, ...NO_BURST });
  });

  test('the name of a filter, or the rate of a range of time, says nothing', () => {
    for (const text of ['', 'std.ppp', '10M', '10/', '/10', '1/2/3', '-5', '7,2000/500', '0,', '1e9', '9'.repeat(20)]) {
      assert.equal(parseFilterIdRate(text, 1), undefined, text);
    }
  });
});

describe('Cisco-AVPair', () => {
  test('output is the download', () => {
    const text =
      'lcp:interface-config#1=rate-limit output 1000000 187500 375000 conform-action transmit exceed-action drop';
    assert.deepEqual(parseCiscoRate(text), { up: undefined, down: 1e6, upBurst: undefined, downBurst: 187_500 });
  });

  test('input is the upload, also without a burst or what names the interface', () => {
    assert.deepEqual(parseCiscoRate('lcp:interface-config=rate-limit input 256000'), { ...UNLIMITED, up: 256e3 });
    assert.deepEqual(parseCiscoRate('rate-limit input 256000 8000'), { ...UNLIMITED, up: 256e3, upBurst: 8000 });
  });

  test('two values make one limit', () => {
    const rates = ['rate-limit output 2000000 10000', 'rate-limit input 1000000'].map(text => parseCiscoRate(text)!);
    assert.deepEqual(joinRates(rates), { up: 1e6, down: 2e6, upBurst: undefined, downBurst: 10_000 });
    assert.equal(joinRates([]), undefined);
  });

  test('what is not a limit of the session says nothing', () => {
    const others = [
      '',
      'ip:route=10.0.0.0 255.0.0.0',
      'rate-limit',
      'rate-limit output',
      'rate-limit output fast',
      'rate-limit both 1',
    ];
    const tails = [
      'rate-limit output access-group 101 1000000 8000',
      'rate-limit output 1M',
      'rate-limit output 1 x',
      'xrate-limit output 1',
    ];
    for (const text of [...others, ...tails, `rate-limit output ${'9'.repeat(20)}`]) {
      assert.equal(parseCiscoRate(text), undefined, text);
    }
  });
});

test('WISPr bandwidths are bits per second, each for itself', () => {
  assert.deepEqual(wisprRate(1_000_000, 2_000_000), { up: 1e6, down: 2e6, ...NO_BURST });
  assert.deepEqual(wisprRate(undefined, 2_000_000), { ...UNLIMITED, down: 2e6 });
  assert.deepEqual(wisprRate(0, 0), UNLIMITED);
  assert.equal(wisprRate(undefined, undefined), undefined);
});

test('what is formatted reads the same again', () => {
  const rate = fc.option(fc.integer({ min: 1, max: 1e12 }), { nil: undefined });
  fc.assert(
    fc.property(rate, rate, (up, down) => {
      assert.deepEqual(parseMikrotikRate(formatRate({ up, down })), { up, down, ...NO_BURST });
    }),
  );
  assert.equal(formatRate({ up: 1.5e6, down: 2e9 }), '1500k/2G');
  assert.equal(formatRate({ up: undefined, down: 64_001 }), '0/64001');
});

test('no text makes a limit that is not of whole numbers above zero', () => {
  const letters = fc.constantFrom(...Array.from('0123456789kMG/\\:, -.xs'), 'rate-limit output ', 'rate-limit input ');
  fc.assert(
    fc.property(fc.string({ unit: letters }), text => {
      for (const rate of [parseMikrotikRate(text), parseFilterIdRate(text, 1), parseCiscoRate(text)]) {
        for (const value of Object.values(rate ?? {})) {
          assert.ok(value === undefined || (Number.isSafeInteger(value) && value > 0), `${text}: ${value}`);
        }
      }
    }),
  );
});
