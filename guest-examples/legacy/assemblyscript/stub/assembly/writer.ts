/** Puts a text together. Adding up strings would copy what is there each time. */
export class Writer {
  private units: Uint16Array = new Uint16Array(32);
  private length: i32 = 0;

  write(text: string): this {
    const room = this.room(text.length);
    memory.copy(room, changetype<usize>(text), (text.length as usize) << 1);
    this.length += text.length;
    return this;
  }

  /** Adds a UTF-16 unit. */
  writeUnit(unit: i32): void {
    store<u16>(this.room(1), unit as u16);
    this.length++;
  }

  toString(): string {
    return String.UTF16.decodeUnsafe(this.units.dataStart, (this.length as usize) << 1);
  }

  /** The address at which there is room for so many more. */
  private room(more: i32): usize {
    const needed = this.length + more;
    if (needed > this.units.length) {
      const larger = new Uint16Array(max(needed, this.units.length * 2));
      memory.copy(larger.dataStart, this.units.dataStart, (this.length as usize) << 1);
      this.units = larger;
    }
    return this.units.dataStart + ((this.length as usize) << 1);
  }
}
