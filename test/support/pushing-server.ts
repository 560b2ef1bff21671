import { serve } from './serve.ts';

// The real server where a push reaches the one device whose token is PUSHED_DEVICE.
await serve({ pushes: { canPush: (_owner, deviceToken) => deviceToken === process.env['PUSHED_DEVICE'] } });
