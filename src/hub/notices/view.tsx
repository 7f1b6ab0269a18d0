import type { MLWSClient } from '../../api/client';
import { ServerView } from '../../ui/server';
import { DismissedNotices, followNotices, NoticeBars } from './notices';

/** The notices of the user, above the lab's menu. */
export function noticesView(client: MLWSClient): ServerView {
  const dismissed = new DismissedNotices();
  const stop = followNotices(client);
  // The lab's layout gives a widget in its header the minimum height.
  const onHeight = (height: number): void => {
    view.node.style.minHeight = `${Math.min(height, window.innerHeight / 3)}px`;
    view.parent?.fit();
  };
  const view = new ServerView(
    client,
    () => (
      <NoticeBars client={client} dismissed={dismissed} onHeight={onHeight} />
    ),
    { id: 'jp-mlws-notices', className: 'jp-mlws-NoticesView' }
  );
  view.disposed.connect(stop);
  return view;
}
