import { apiError } from '../api/client';
import { confirm } from '../lab/confirm';
import { trans } from '../ui/locale';

/** The error of a commit that a remote branch has. */
const COMMIT_PUSHED = '30285';

/**
 * Changes commits; asks again where others may have them.
 *
 * Resolves to null if the user does not confirm that.
 */
export async function confirmPushed<T>(
  change: (pushed: boolean) => Promise<T>
): Promise<T | null> {
  try {
    return await change(false);
  } catch (error) {
    const { code, message } = apiError(error);
    if (code !== COMMIT_PUSHED) {
      throw error;
    }
    const isSure = await confirm(
      trans.__('Change commits that were pushed?'),
      trans.__(
        '%1 A push of your branch will be rejected until it replaces what is there. ' +
          'A revert keeps the history of the others.',
        message
      ),
      trans.__('Change All the Same')
    );
    return isSure ? change(true) : null;
  }
}
