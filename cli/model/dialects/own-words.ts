/** Tags that agents put around or beside the user's own words. */
const added =
  /<(current_datetime|reminder|system[_-]reminder|system_notification|environment_context|tagged_files|session_context|mode_changed_notice|plan_mode)>[\s\S]*?<\/\1>/g;

/** A user's words without what the agent adds to them. */
export function ownWords(text: string): string {
  const words = text.includes('<') ? text.replace(added, '') : text;
  return words.trim().replace(/^\[\[PLAN\]\] */, '');
}
