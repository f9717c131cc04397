// All plans, in the order in which they are run.
import type { Plan } from './plan.ts';
import { RADIUS_PLAN } from './radius-plan.ts';
import { USERS_PLANS } from './users-plans.ts';

const PLANS: readonly Plan[] = [...USERS_PLANS, RADIUS_PLAN];

/** The plans of these names, all of them when none is given. @throws Error when there is no such plan */
export function plansCalled(names: readonly string[]): readonly Plan[] {
  const unknown = names.filter(name => !PLANS.some(plan => plan.name === name));
  if (unknown.length > 0) throw new Error(`there is no plan ${unknown.join(', ')}`);
  return names.length === 0 ? PLANS : PLANS.filter(plan => names.includes(plan.name));
}
