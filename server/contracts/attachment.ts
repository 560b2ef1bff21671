import { z } from 'zod';

/** Bytes that a base64 text stands for, by its length alone. */
export function decodedSize(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}

// One flat character class: the usual pattern of repeated groups needs a stack as deep as the file is long.
export const isBase64 = (text: string) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);

/** A file name that can't leave its folder. */
const FileName = z
  .string()
  .min(1)
  .max(200)
  .refine((name) => !/[\0/\\]/.test(name) && name !== '.' && name !== '..', 'must be a plain file name, without a path');

/** A file that comes with a message. */
export const Attachment = z
  .object({
    name: FileName,
    mimeType: z
      .string()
      .max(200)
      .regex(/^[\w.+-]+\/[\w.+-]+(;.*)?$/, 'must be a media type such as image/png'),
    size: z.number().int().min(0),
    data: z.string().refine(isBase64, { error: 'must be base64', abort: true }).meta({ contentEncoding: 'base64' }),
  })
  .refine((file) => decodedSize(file.data) === file.size, { path: ['size'], error: 'must be the number of bytes in `data`' });
export type Attachment = z.infer<typeof Attachment>;

/** An attachment as it is shown in a history: without its bytes. */
export const AttachmentView = z.object({ name: z.string(), mimeType: z.string(), size: z.number().int() });
export type AttachmentView = z.infer<typeof AttachmentView>;
