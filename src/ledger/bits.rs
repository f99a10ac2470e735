//! A set of job numbers that costs one bit for each stored job, however many rows a report has.

/// One bit for each stored job, by its number.
#[derive(Debug)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// Bits for the numbers up to `last`, none set.
    pub(super) fn up_to(last: i64) -> Bits {
        let words = usize::try_from(last / 64 + 1).unwrap_or(0);
        Bits(vec![0; words])
    }

    fn position(number: i64) -> (usize, u64) {
        let word = usize::try_from(number / 64).unwrap_or(usize::MAX);
        (word, 1 << (number % 64))
    }

    /// Whether the bit of `number` is set.
    pub(super) fn get(&self, number: i64) -> bool {
        let (word, bit) = Bits::position(number);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Sets the bit of `number`.
    pub(super) fn set(&mut self, number: i64) {
        let (word, bit) = Bits::position(number);
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn only_what_was_set_is_set_also_past_the_first_size() {
        let mut bits = Bits::up_to(63);
        for number in [0, 63, 64, 1_000] {
            assert!(!bits.get(number));
            bits.set(number);
            assert!(bits.get(number));
        }
        assert!(!bits.get(1) && !bits.get(65) && !bits.get(999) && !bits.get(1_000_000));
    }
}
