import { APIError } from './client';

/** What is unfolded of a list: details by id, null while they are read, or why they cannot be. */
export class Details<T> {
  /** `read` asks for the details of one; `changed` is called after every change. */
  constructor(
    private _read: (id: string) => Promise<T>,
    private _changed: () => void
  ) {}

  get known(): ReadonlyMap<string, T | APIError | null> {
    return this._known;
  }

  /** Shows or hides the details of one. */
  async toggle(id: string): Promise<void> {
    if (this._known.delete(id)) {
      this._changed();
      return;
    }
    this._known.set(id, null);
    this._changed();
    await this.read(id);
    this._changed();
  }

  /** Reads one anew, if it is unfolded still when they come. */
  async read(id: string): Promise<void> {
    let found: T | APIError;
    try {
      found = await this._read(id);
    } catch (error) {
      if (!(error instanceof APIError)) {
        throw error;
      }
      found = error;
    }
    this.set(id, found);
  }

  /** Reads all that are unfolded anew. */
  async readAll(): Promise<void> {
    await Promise.all([...this._known.keys()].map(id => this.read(id)));
  }

  /** Keeps what is known of one, if it is unfolded. */
  set(id: string, found: T | APIError): void {
    if (this._known.has(id)) {
      this._known.set(id, found);
    }
  }

  /** Folds everything. */
  clear(): void {
    this._known.clear();
  }

  private _known = new Map<string, T | APIError | null>();
}
