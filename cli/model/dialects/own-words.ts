/** Tags that agents put around or beside the user's own words. */
const added =
  /<(current_datetime|reminder|system[_-]reminder|system_notification|environment_context|tagged_files|session_context)>[\s\S]*?<\/\1>/g;

/** A user's words without what the agent adds to them. */
export function ownWords(text: string): string {
  return text.includes('<') ? text.replace(added, '').trim() : text.trim();
}
