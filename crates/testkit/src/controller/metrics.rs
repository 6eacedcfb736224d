//! Metrics in Prometheus' text format.
//!
//! Source: Prometheus exposition formats, text-based format 0.0.4.

use std::collections::BTreeMap;

/// Samples by series, the labels as they were printed: `name{label="value"}`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Reads samples; whatever is none is passed over.
    pub fn parse(text: &str) -> Self {
        let samples = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                // A label's value may hold blanks, the number after it cannot.
                let (series, value) = line.trim_end().rsplit_once(' ')?;
                Some((series.trim_end().to_owned(), value.parse().ok()?))
            });
        Self(samples.collect())
    }

    /// Returns the value of a series as it is printed.
    pub fn get(&self, series: &str) -> Option<f64> {
        self.0.get(series).copied()
    }

    /// Returns the sum over all series of a name whose labels contain all of `labels`, each as it is
    /// printed (`code="200"`).
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let of_name = self.0.iter().filter(|(series, _)| {
            series
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('{'))
        });
        of_name
            .filter(|(series, _)| labels.iter().all(|label| series.contains(label)))
            .map(|(_, value)| value)
            .sum()
    }

    /// Returns the names and values of all series.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0
            .iter()
            .map(|(series, &value)| (series.as_str(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_sums() {
        let text = "# HELP a b\n# TYPE a counter\na{code=\"200\",x=\"y z\"} 3\na{code=\"500\"} 1\nab 7\nbad\n";
        let metrics = Metrics::parse(text);
        assert_eq!(metrics.get("ab"), Some(7.0));
        assert_eq!(metrics.get("a"), None);
        assert!((metrics.sum("a", &[]) - 4.0).abs() < f64::EPSILON);
        assert!((metrics.sum("a", &["code=\"200\""]) - 3.0).abs() < f64::EPSILON);
        assert_eq!(metrics.iter().count(), 3);
    }
}
