export type { DynamicAuthorizationOptions, RadiusOptions, RadiusServerOptions } from '../../config/radius-options.ts';
