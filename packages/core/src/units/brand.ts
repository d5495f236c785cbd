declare const brand: unique symbol;

/** A primitive that only its own constructor can make, so that milliseconds never pass for an instant. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
