import type { SettingRow } from '../../config/settings-table.ts';
import { settingNames, settingsTable } from '../../config/settings-table.ts';

/** Every setting with what it is for; all lines are comments, so that a copy changes nothing until its owner does. */
export function exampleEnv(): string {
  const rows: Record<string, SettingRow> = settingsTable({ home: '~', cwd: '.' });
  const lines = settingNames.map((name) => {
    const setting = rows[name];
    const note = setting?.defaultNote === undefined ? '' : ` (default: ${setting.defaultNote})`;
    return `# ${setting?.about ?? ''}${note}\n# ${name}=${setting?.default ?? ''}\n`;
  });
  return `# Copy to .env and take away the # where you want another value. Fractions are allowed where a number is not a count.\n\n${lines.join('\n')}`;
}
