import type { MLWSClient } from '../../api/client';
import { ServerView } from '../../ui/server';
import { DismissedNotices, followNotices, NoticeBars } from './notices';

/** The notices of the user, above the lab's menu. */
export function noticesView(client: MLWSClient): ServerView {
  const dismissed = new DismissedNotices();
  const stop = followNotices(client);
  const view = new ServerView(
    client,
    () => <NoticeBars client={client} dismissed={dismissed} />,
    { id: 'jp-mlws-notices', className: 'jp-mlws-NoticesView' }
  );
  view.disposed.connect(stop);
  return view;
}
