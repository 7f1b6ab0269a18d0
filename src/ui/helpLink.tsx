import type { Widget } from '@lumino/widgets';

import { trans } from './locale';

/** Names the page of the reference that a widget, its tab and its heading lead to. */
export function setHelpPage(widget: Widget, page: string): void {
  widget.node.dataset.mlwsHelp = page;
  widget.title.dataset = { ...widget.title.dataset, mlwsHelp: page };
}

/**
 * Link to a page of the reference (`help/plugin.ts`).
 *
 * `page`: its id, and after a `#` the setting.
 */
export function HelpLink(props: {
  page: string;
  /** Subject of the page. */
  subject: string;
  /** Shown in place of a question mark. */
  text?: string;
}): JSX.Element {
  return (
    <a
      // Not a button: it works within a form that is disabled, too.
      href={`#${props.page}`}
      className="jp-mlws-HelpLink"
      data-mlws-help={props.page}
      // Also its name for screen readers, without the question mark.
      title={trans.__('Help on %1', props.subject)}
    >
      {props.text ?? <span aria-hidden="true">?</span>}
    </a>
  );
}

/** A link from the code of an error to its page. */
export function ErrorLink(props: { code: string }): JSX.Element {
  const { code } = props;
  return (
    <HelpLink
      page={`error-${code}`}
      subject={trans.__('error %1', code)}
      text={code}
    />
  );
}
