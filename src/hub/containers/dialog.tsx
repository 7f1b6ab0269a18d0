import {
  useEffect,
  useRef,
  useState,
  type ButtonHTMLAttributes,
  type ReactNode
} from 'react';

/** Native modal dialog: it traps the focus, and Escape closes it. */
export function Dialog(props: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="jp-mlws-Dialog"
      aria-label={props.title}
      onClose={props.onClose}
    >
      <h2>{props.title}</h2>
      {props.children}
    </dialog>
  );
}

/** Button that opens a dialog of its title; the content is given the function that closes it. */
export function DialogButton({
  title,
  children,
  ...button
}: Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> & {
  title: string;
  children: (close: () => void) => ReactNode;
}): JSX.Element {
  const [isOpen, setIsOpen] = useState(false);
  const close = (): void => setIsOpen(false);
  const content = isOpen && children(close);
  return (
    <>
      <button {...button} onClick={() => setIsOpen(true)}>
        {title}
      </button>
      {content && (
        <Dialog title={title} onClose={close}>
          {content}
        </Dialog>
      )}
    </>
  );
}
