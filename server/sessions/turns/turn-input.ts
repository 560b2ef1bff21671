import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessagePart } from '../../agents/driver.ts';
import type { Incarnation } from '../lifecycle/incarnation.ts';
import { makeFilesFolder } from '../lifecycle/incarnation.ts';

/** A message as it was accepted: its text and files (base64), kept until its turn ends. */
export interface TurnInput {
  text: string;
  attachments: { name: string; mimeType: string; size: number; data: string }[];
}

const imageTypes = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

/** Images as content, other files stored in the incarnation's folder (0600) under their own names. */
export async function messageParts(incarnation: Incarnation, turnId: string, input: TurnInput): Promise<MessagePart[]> {
  const parts: MessagePart[] = [];
  for (const [index, { name, mimeType, data }] of input.attachments.entries()) {
    if (imageTypes.has(mimeType) && incarnation.driver.capabilities.images) {
      parts.push({ type: 'image', mimeType, data });
      continue;
    }
    // Two files of one message may have the same name.
    const path = join(makeFilesFolder(incarnation.folder, join(turnId, String(index))), storedName(name));
    await writeFile(path, Buffer.from(data, 'base64'), { mode: 0o600 });
    parts.push({ type: 'file', name, path });
  }
  return parts;
}

/** Folders of most systems take names of 255 bytes, not characters. */
const NAME_BYTES = 200;

function storedName(name: string): string {
  let kept = name;
  while (Buffer.byteLength(kept) > NAME_BYTES) kept = [...kept].slice(1).join('');
  return kept === '.' || kept === '..' ? 'file' : kept;
}
