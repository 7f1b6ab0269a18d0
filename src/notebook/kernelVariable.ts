import { APIError } from '../api/client';
import type {
  IColumnStatistics,
  ITableRequest,
  IVariableItems,
  IVariableTablePage
} from '../api/models';
import { State } from '../ui/state';
import type { ITableSource } from '../ui/table/rowPages';

const KERNEL_BUSY = '20105';
/** Milliseconds between two requests to a busy kernel. */
const RETRY_DELAY = 1000;
/** Maximum number of pages compared with those before the newest cell. */
const MAX_PAGES = 8;

type Call = 'table' | 'statistics' | 'items';

/** A variable as the kernel has it; requests wait while the kernel is busy. */
export class KernelVariable {
  constructor(
    private _post: (call: Call, body: object) => Promise<unknown>,
    private _retryDelay = RETRY_DELAY
  ) {}

  /** True while a request waits for the kernel. */
  readonly isBusy = new State(false);
  /** True if shown rows have changed since the newest cell. */
  readonly hasChanged = new State(false);

  /** Page of the items of the variable, or of a nested item. */
  items(
    path: readonly number[],
    offset: number,
    limit: number
  ): Promise<IVariableItems> {
    return this._ask('items', { path, offset, limit });
  }

  /** A table in it; `indices` select along the leading axes of an array. */
  table(path: readonly number[], indices: readonly number[]): ITableSource {
    return {
      page: async (request: ITableRequest) => {
        const body = { ...request, path, indices };
        const page = await this._ask<IVariableTablePage>('table', body);
        const { columns, rows, row_count: count } = page;
        this._compare(
          JSON.stringify(body),
          JSON.stringify([columns, rows, count])
        );
        return page;
      },
      statistics: column =>
        this._ask<IColumnStatistics>('statistics', { path, indices, column })
    };
  }

  /** Compares later reads with earlier ones after a cell has ended. */
  expire(): void {
    this.hasChanged.value = false;
    this._generation += 1;
    if (this._pages.size > 0) {
      this._before = this._pages;
      this._pages = new Map();
    }
  }

  dispose(): void {
    this._generation += 1;
  }

  private _compare(request: string, page: string): void {
    const before = this._before.get(request);
    if (before !== undefined && before !== page) {
      this.hasChanged.value = true;
    }
    this._before.delete(request);
    this._pages.set(request, page);
    if (this._pages.size > MAX_PAGES) {
      this._pages.delete(this._pages.keys().next().value!);
    }
  }

  private async _ask<T>(call: Call, body: object): Promise<T> {
    const generation = this._generation;
    for (;;) {
      try {
        const answer = await this._post(call, body);
        this.isBusy.value = false;
        return answer as T;
      } catch (error) {
        const isBusy = error instanceof APIError && error.code === KERNEL_BUSY;
        this.isBusy.value = isBusy;
        if (!isBusy || generation !== this._generation) {
          throw error;
        }
        await new Promise(done => setTimeout(done, this._retryDelay));
      }
    }
  }

  private _before = new Map<string, string>();
  private _pages = new Map<string, string>();
  private _generation = 0;
}
