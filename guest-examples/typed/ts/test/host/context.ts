const values = new Map<string, string>();

export const get = (key: string) => values.get(key);
export const set = (key: string, value: string) => void values.set(key, value);
export const remove = (key: string) => void values.delete(key);
export const keys = () => [...values.keys()].sort();
export const clear = () => values.clear();
