import { PageConfig } from '@jupyterlab/coreutils';

import { type MLWSClient, apiError } from '../../api/client';

/** Error code: no Hub started this lab. */
const NO_HUB = '10103';

/** Tests whether an MLWS Hub started this lab; only a definite error code counts as no. */
export async function hasHub(client: MLWSClient): Promise<boolean> {
  if (!PageConfig.getOption('hubPrefix')) {
    return false;
  }
  try {
    await client.get('/containers');
  } catch (error) {
    return apiError(error).code !== NO_HUB;
  }
  return true;
}
