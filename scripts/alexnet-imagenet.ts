// Makes AlexNet on ImageNet 9 times smaller (the paper's table 4): see --help.
import { runScript } from './imagenet/main.js'

await runScript('alexnet-imagenet', ['alexnet', 'alexnet-caffe'])
