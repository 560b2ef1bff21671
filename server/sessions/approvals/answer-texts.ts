import type { DataOf } from '../../contracts/events.ts';
import { AppError } from '../../platform/app-error.ts';

/**
 * Answers as the agent takes them: one text for each question, several choices with commas between them. Throws `validation-failed`
 * that names what was not asked, what can have only one answer, and the lack of any.
 */
export function answerTexts(
  questions: DataOf<'question.asked'>['questions'],
  answers: Record<string, string | string[]>,
): Record<string, string> {
  const entries = Object.entries(answers);
  const wrong = entries.flatMap(([text, answer]) => {
    const question = questions.find((asked) => asked.question === text);
    const field = `answers.${text.slice(0, 200)}`;
    if (!question) return [{ field, message: 'is none of the questions' }];
    return Array.isArray(answer) && question.multiSelect !== true ? [{ field, message: 'must be one text: the question takes one' }] : [];
  });
  if (entries.length === 0) wrong.push({ field: 'answers', message: 'must answer at least one question' });
  if (wrong.length > 0) {
    const sentence = wrong.map(({ field, message }) => `${field} ${message}`).join('; ');
    throw new AppError('validation-failed', `The body is not valid: ${sentence}.`, { fields: wrong.slice(0, 50) });
  }
  return Object.fromEntries(entries.map(([text, answer]) => [text, Array.isArray(answer) ? answer.join(', ') : answer]));
}
