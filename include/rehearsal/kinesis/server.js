// kinesalite on the loopback interface; its own program listens on all interfaces.
// usage: node server.js PORT FOLDER [ADDRESS], where FOLDER keeps the streams; NODE_PATH names its node_modules.
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
