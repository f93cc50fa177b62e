/** True where both are the same type, `any` being the same as nothing else. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- compares by how T is carried along
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Fails to compile unless `T` is true. */
export type Expect<T extends true> = T;
