import { collectGarbage } from './garbage.ts';
import { serve } from './serve.ts';

// The real server, which on SIGUSR2 collects its garbage and prints what memory is still in use: "Memory <bytes>".
process.on('SIGUSR2', () => {
  // Buffers are let go of by finalizers, which run after a collection.
  collectGarbage();
  setImmediate(() => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    console.log(`Memory ${heapUsed + external}`);
  });
});
await serve();
