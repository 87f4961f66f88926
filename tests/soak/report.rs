//! What was seen, and whether it is what has to be.

use std::sync::Arc;
use std::time::Duration;

use super::gateway::Soaked;
use super::reloads::Reloads;
use super::traffic::Traffic;

/// The gateway's process at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// In KiB.
    rss: u64,
    threads: u64,
    descriptors: u64,
    /// Stores that live, of every plugin and version, beyond those that the plugins which serve say they have.
    instances: u64,
}

impl Sample {
    pub async fn of(soaked: &Soaked) -> Sample {
        // First, so that the connection which it takes is there whenever descriptors are counted.
        let instances = soaked.stray_instances().await;
        Sample {
            rss: soaked.status("VmRSS"),
            threads: soaked.status("Threads"),
            descriptors: soaked.descriptors(),
            instances,
        }
    }

    /// When every client has left, and what was replaced is gone; or, if something was left over, when patience is over.
    pub async fn at_rest(soaked: &Soaked, before: &Sample) -> Sample {
        let rests = async || {
            let now = Sample::of(soaked).await;
            (now.left_over(before) == 0).then_some(now)
        };
        match soaked.eventually(rests).await {
            Some(sample) => sample,
            None => Sample::of(soaked).await,
        }
    }

    /// Instances and connections that are there, and should not be.
    fn left_over(&self, before: &Sample) -> u64 {
        self.instances.saturating_sub(before.instances) + self.descriptors.saturating_sub(before.descriptors)
    }
}

pub struct Report {
    traffic: Arc<Traffic>,
    start: Sample,
    /// After the warm-up, in the middle, at the end.
    samples: Vec<Sample>,
    rest: Option<Sample>,
    pub reloads: Reloads,
    pub took: Duration,
    /// By how much memory may grow between the end of the warm-up and the end, in KiB.
    most_growth: u64,
}

impl Report {
    pub fn new(traffic: &Arc<Traffic>, start: Sample, most_growth: u64) -> Report {
        Report {
            traffic: traffic.clone(),
            start,
            samples: Vec::new(),
            rest: None,
            reloads: Reloads::default(),
            took: Duration::ZERO,
            most_growth,
        }
    }

    pub fn sample(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    pub fn rest(&mut self, sample: Sample) {
        self.rest = Some(sample);
    }

    /// From the end of the warm-up to the end, in KiB.
    fn growth(&self) -> u64 {
        match (self.samples.first(), self.samples.last()) {
            (Some(warm), Some(end)) => end.rss.saturating_sub(warm.rss),
            _ => 0,
        }
    }

    fn left_over(&self) -> u64 {
        self.rest.map_or(0, |rest| rest.left_over(&self.start))
    }

    /// What did not hold.
    pub fn failures(&self) -> Vec<String> {
        let counted = self.traffic.counted.lock().unwrap();
        let growth = self.growth();
        let all = [
            (
                counted.unexpected > 0,
                format!("{} requests failed that should not have", counted.unexpected),
            ),
            (counted.answered.is_empty(), "nothing was answered".to_owned()),
            (self.reloads.done == 0, "nothing was reloaded".to_owned()),
            (
                self.reloads.unexpected > 0,
                format!("{} reloads came to something else", self.reloads.unexpected),
            ),
            (
                growth > self.most_growth,
                format!(
                    "memory grew by {growth} KiB after the warm-up, {} are allowed",
                    self.most_growth
                ),
            ),
            (
                self.left_over() > 0,
                format!("{} instances or descriptors were left over", self.left_over()),
            ),
        ];
        all.into_iter()
            .filter(|(failed, _)| *failed)
            .map(|(_, words)| words)
            .collect()
    }

    pub fn print(&self) {
        let mut counted = self.traffic.counted.lock().unwrap();
        let answered: u64 = counted.answered.values().sum();
        let expected: u64 = counted.expected.values().sum();
        let seconds = self.took.as_secs_f64();
        println!("time                 {seconds:.0} s");
        println!("requests             {}", answered + expected + counted.unexpected);
        for (kind, count) in &counted.answered {
            println!("  {:<18} {count}", format!("{kind:?}"));
        }
        println!("expected failures    {expected}");
        for (cause, count) in &counted.expected {
            println!("  {count:>9} {cause}");
        }
        println!("unexpected failures  {}", counted.unexpected);
        let Reloads {
            done,
            refused,
            unexpected,
        } = self.reloads;
        println!("reloads              {done}, {refused} refused as they had to be, {unexpected} unexpected");
        counted.times.sort_unstable();
        let times = &counted.times;
        let at = |share: usize| times.get(times.len() * share / 1000).copied().unwrap_or_default();
        println!(
            "small chats          p50 {:?}, p99 {:?}, p99.9 {:?}",
            at(500),
            at(990),
            at(999)
        );
        let names = ["start", "warm", "middle", "end"];
        let moments = [&self.start].into_iter().chain(&self.samples);
        for (name, sample) in names
            .iter()
            .zip(moments)
            .chain(self.rest.iter().map(|rest| (&"at rest", rest)))
        {
            let Sample {
                rss,
                threads,
                descriptors,
                instances,
            } = sample;
            println!(
                "{name:<20} RSS {rss} KiB, {threads} threads, {descriptors} descriptors, {instances} stray instances"
            );
        }
        println!("growth after warm-up {} KiB", self.growth());
        println!("instances leaked     {}", self.left_over());
    }
}
