import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AddressLimits } from '../../src/https/address-limits.ts';

describe('how often one address may connect', () => {
  test('a burst, and then the rate', () => {
    const limits = new AddressLimits({ rate: 2, burst: 5, halfOpen: 100 });
    let admitted = 0;
    for (let now = 0; now <= 10_000; now += 10) if (limits.admit('192.0.2.1', now) === undefined) admitted++;
    assert.equal(admitted, 5 + 20);
  });

  test('addresses do not pay for one another', () => {
    const limits = new AddressLimits({ rate: 1, burst: 1, halfOpen: 1 });
    assert.equal(limits.admit('192.0.2.1', 0), undefined);
    assert.equal(limits.admit('192.0.2.2', 0), undefined);
    assert.equal(limits.admit('192.0.2.1', 0), 'address-half-open');
    limits.settled('192.0.2.1');
    assert.equal(limits.admit('192.0.2.1', 0), 'address-rate');
  });

  test('a /64 is one address', () => {
    const limits = new AddressLimits({ rate: 1, burst: 1, halfOpen: 9 });
    assert.equal(limits.admit('2001:db8::1', 0), undefined);
    assert.equal(limits.admit('2001:db8::ffff:2', 0), 'address-rate');
    assert.equal(limits.admit('2001:db8:0:1::1', 0), undefined);
  });

  test('a flood of addresses neither grows without end nor forgets who is half-open', () => {
    const limits = new AddressLimits({ rate: 1, burst: 1, halfOpen: 1 });
    assert.equal(limits.admit('198.51.100.1', 0), undefined);
    for (let index = 0; index < 60_000; index++) {
      const address = `10.${index >> 16}.${(index >> 8) & 0xff}.${index & 0xff}`;
      limits.admit(address, 0);
      limits.settled(address);
    }
    assert.equal(limits.admit('198.51.100.1', 1), 'address-half-open');
  });
});
