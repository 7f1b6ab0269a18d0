import { PageConfig } from '@jupyterlab/coreutils';

import { APIError, type MLWSClient } from '../../api/client';

/** Code of the answer where no Hub started this lab. */
const NO_HUB = '10103';

/** Whether a Hub of ours started this lab; on a Hub, only the answer that there is none counts. */
export async function hasHub(client: MLWSClient): Promise<boolean> {
  if (!PageConfig.getOption('hubPrefix')) {
    return false;
  }
  try {
    await client.get('/containers');
  } catch (error) {
    if (!(error instanceof APIError)) {
      throw error;
    }
    return error.code !== NO_HUB;
  }
  return true;
}
