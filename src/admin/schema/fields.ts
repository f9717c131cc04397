// What the schemas of the API are made of. They are its one source: TypeScript's types and the OpenAPI document both come from them.
import { z } from 'zod';

/** Schemas that the OpenAPI document knows by name. */
export const SCHEMAS = z.registry<{ readonly id: string }>();

/** What a schema describes, for those who make it: nobody changes what was handed over. */
export type View<S extends z.ZodType> = DeepReadonly<z.infer<S>>;

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** ISO 8601, UTC. */
export const time = z.iso.datetime();
export const count = z.int().nonnegative();
export const seconds = z.number().nonnegative();
/** Bits or packets per second. */
export const rate = z.number().nonnegative();
export const countBy = z.record(z.string(), count);

export type CountBy = View<typeof countBy>;
