/** An import from a file of one folder of `src` to a file of another. */
export interface FolderImport {
  readonly file: string;
  readonly target: string;
  readonly from: string;
  readonly to: string;
}
export const ORDER: readonly string[];
export function importsBetweenFolders(root: string): FolderImport[];
export function upwardImports(imports: readonly FolderImport[]): FolderImport[];
