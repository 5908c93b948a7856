// kinesalite on the loopback interface; its own program listens on all interfaces.
// usage: node server.js PORT FOLDER [ADDRESS], where FOLDER keeps the streams; NODE_PATH names its node_modules.
const original = require('kinesalite/actions/getShardIterator')
const db = require('kinesalite/db')

// kinesalite never answers when a shard has no record at or behind the time that AT_TIMESTAMP names. Such an iterator
// stands behind the shard's last record.
function getShardIterator (store, data, answer) {
  if (data.ShardIteratorType !== 'AT_TIMESTAMP' || !(data.Timestamp * 1000 <= Date.now())) return original(store, data, answer)
  store.getStream(data.StreamName, (error) => {
    // The original says what is wrong.
    if (error) return original(store, data, answer)
    const shard = Number(data.ShardId.split('-').pop())
    const range = { gt: db.shardIxToHex(shard), lt: db.shardIxToHex(shard + 1), reverse: true, limit: 1 }
    let last = null
    store.getStreamDb(data.StreamName).createReadStream(range)
      .on('data', (item) => { last = item })
      .on('error', answer)
      .on('end', () => {
        if (last && last.value.ApproximateArrivalTimestamp >= data.Timestamp) return original(store, data, answer)
        const place = last
          ? { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: last.key.split('/')[1] }
          : { ShardIteratorType: 'TRIM_HORIZON' }
        original(store, { StreamName: data.StreamName, ShardId: data.ShardId, ...place }, answer)
      })
  })
}

require.cache[require.resolve('kinesalite/actions/getShardIterator')].exports = getShardIterator
const kinesalite = require('kinesalite')

const [port, folder, address = '127.0.0.1'] = process.argv.slice(2)
const server = kinesalite({
  path: folder,
  shardLimit: 100,
  createStreamMs: 50,
  deleteStreamMs: 50,
  updateStreamMs: 200,
})
server.listen(Number(port), address, () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))
// kinesalite throws when a client dies in the middle of its request.
process.on('uncaughtException', (error) => {
  console.error(error)
  if (error.code !== 'ECONNRESET') process.exit(1)
})
